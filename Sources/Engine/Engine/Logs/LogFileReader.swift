import CLinux
import Glibc
import LinuxKernel
import OCIModel

/// Reads a json-file log over its rotated files (`path.N` … `path.1`, `path`), oldest record first, and goes on where
/// the file grows or is rotated while it reads. A value: copies share the descriptors, each has its own position.
///
/// Every call blocks on the disk.
struct LogFileReader: Sendable {
    /// One open file of the log; `offset` is the next byte to read.
    private struct Source: Sendable {
        let file: SharedDescriptor
        let identity: FileIdentity
        var offset: Int64
    }

    private let path: String
    private var current: Source?
    /// Files behind `current`, oldest first.
    private var next: [Source]
    /// The start of a record whose end was not there yet.
    private var partial: [UInt8] = []
    /// Lines that were no records; the caller says so in the daemon's log.
    private(set) var skippedLines = 0

    private static let chunkSize = 64 << 10
    /// A line longer than this is no record: 16 KiB of text escaped six-fold, and attributes, are far below.
    private static let lineLimit = 8 << 20

    /// - Parameter tail: how many records from the end to begin with; nil for all
    init(path: String, tail: Int?) throws(SystemCallError) {
        self.path = path
        var sources: [Source] = []
        var missing = tail ?? 0
        for file in try LogFiles.open(path) {
            var offset: Int64 = 0
            if tail != nil {
                let found = try LogFiles.start(ofLast: missing, in: file.descriptor.rawValue)
                offset = found.offset
                missing -= found.lines
            }
            sources.insert(Source(file: file.descriptor, identity: file.identity, offset: offset), at: 0)
            if tail != nil, missing <= 0 { break }
        }
        current = sources.first
        next = Array(sources.dropFirst())
    }

    /// The records of the next stretch of the log; empty where there are no more for now.
    mutating func nextBatch() throws(SystemCallError) -> [LogEntry] {
        while true {
            guard current != nil else {
                guard try openFirst() else { return [] }
                continue
            }
            let chunk = try readChunk()
            if chunk.isEmpty {
                guard try advance() else { return [] }
                continue
            }
            let entries = parse(chunk)
            if !entries.isEmpty { return entries }
        }
    }

    private mutating func readChunk() throws(SystemCallError) -> [UInt8] {
        guard let source = current else { return [] }
        var chunk = [UInt8](repeating: 0, count: Self.chunkSize)
        let count = try systemCall("pread", path) {
            pread(source.file.rawValue, &chunk, chunk.count, off_t(source.offset))
        }
        current?.offset += Int64(count)
        chunk.removeLast(chunk.count - count)
        return chunk
    }

    /// Splits at line ends; what is behind the last one waits for its rest.
    private mutating func parse(_ chunk: [UInt8]) -> [LogEntry] {
        var entries: [LogEntry] = []
        let bytes = partial.isEmpty ? chunk : partial + chunk
        bytes.withUnsafeBufferPointer { buffer in
            var start = 0
            while let end = buffer[start...].firstIndex(of: 0x0A) {
                if let entry = LogEntry(jsonLine: UnsafeBufferPointer(rebasing: buffer[start..<end])) {
                    entries.append(entry)
                } else if end > start {
                    skippedLines += 1
                }
                start = end + 1
            }
            partial = Array(buffer[start...])
        }
        if partial.count > Self.lineLimit {
            partial = []
            skippedLines += 1
        }
        return entries
    }

    /// At the end of a file: goes to the next one, if this is no longer the one that is written to.
    private mutating func advance() throws(SystemCallError) -> Bool {
        if !next.isEmpty {
            replaceCurrent(next.removeFirst())
            return true
        }
        guard let identity = current?.identity else { return false }
        // The rotation renames first and writes elsewhere afterwards, so what is behind the renamed file is complete
        // only when it is read once more after the rename was seen: `nextBatch` reads before it comes here again.
        let newer = try LogFiles.open(path).prefix { $0.identity != identity }
        guard !newer.isEmpty else { return false }
        if let size = try? LogFiles.size(current?.file.rawValue ?? -1), size > current?.offset ?? 0 {
            return true
        }
        next = newer.reversed().map { Source(file: $0.descriptor, identity: $0.identity, offset: 0) }
        replaceCurrent(next.removeFirst())
        return true
    }

    private mutating func replaceCurrent(_ source: Source) {
        if !partial.isEmpty { skippedLines += 1 }
        partial = []
        current = source
    }

    /// For a log that did not exist when the reader was made.
    private mutating func openFirst() throws(SystemCallError) -> Bool {
        let files = try LogFiles.open(path)
        guard !files.isEmpty else { return false }
        next = files.reversed().map { Source(file: $0.descriptor, identity: $0.identity, offset: 0) }
        current = next.removeFirst()
        return true
    }
}

/// What tells one file from another whatever its name is.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
}

/// The files of one log.
enum LogFiles {
    struct File {
        let descriptor: SharedDescriptor
        let identity: FileIdentity
    }

    /// Opens the log's files, newest first. A rotation in between renames a file that is open already to a name that is
    /// opened next: it is left out the second time.
    static func open(_ path: String) throws(SystemCallError) -> [File] {
        var files: [File] = []
        var number = 0
        while true {
            let name = number == 0 ? path : "\(path).\(number)"
            do throws(SystemCallError) {
                let descriptor = SharedDescriptor(try openFile(name, O_RDONLY | O_NOFOLLOW))
                let identity = try identity(descriptor.rawValue)
                if !files.contains(where: { $0.identity == identity }) {
                    files.append(File(descriptor: descriptor, identity: identity))
                }
            } catch {
                guard error.errno == ENOENT else { throw error }
                // In the middle of a rotation the newest name is missing for a moment.
                if number > 0 { return files }
            }
            number += 1
        }
    }

    static func size(_ descriptor: Int32) throws(SystemCallError) -> Int64 {
        var status = stat()
        try systemCall("fstat") { fstat(descriptor, &status) }
        return Int64(status.st_size)
    }

    private static func identity(_ descriptor: Int32) throws(SystemCallError) -> FileIdentity {
        var status = stat()
        try systemCall("fstat") { fstat(descriptor, &status) }
        return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// Where the last `count` complete lines of a file begin, and how many there are.
    static func start(ofLast count: Int, in descriptor: Int32) throws(SystemCallError) -> (
        offset: Int64, lines: Int
    ) {
        var end = try size(descriptor)
        guard count > 0 else { return (end, 0) }
        var newlines = 0
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while end > 0 {
            let start = max(0, end - Int64(chunk.count))
            let length = Int(end - start)
            let got = try systemCall("pread") { pread(descriptor, &chunk, length, off_t(start)) }
            for index in stride(from: got - 1, through: 0, by: -1) where chunk[index] == 0x0A {
                newlines += 1
                // The newline before the first wanted line belongs to the line before it.
                if newlines > count { return (start + Int64(index) + 1, count) }
            }
            end = start
        }
        return (0, newlines)
    }
}
