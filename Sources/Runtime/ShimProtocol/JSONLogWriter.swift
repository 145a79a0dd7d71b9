import Glibc
import LinuxKernel
package import OCIModel

/// Writes a container's output to its log file in Docker's json-file format, and rotates it.
///
/// Lines of 16 KiB and more are cut into pieces of 16 KiB, of which only the last ends with a line feed, all with the
/// time of the first. What one call gives is written with one system call. A file that cannot be written (full disk)
/// never stops the container: lines are kept, up to a limit, then counted; the log says so when there is room again.
package final class JSONLogWriter {
    /// Length at which a line is cut.
    package static let pieceLength = 16384
    /// Bytes kept while the file cannot be written.
    static let backlogLimit = 256 << 10

    package let configuration: LogConfiguration
    /// How often the file was rotated: tells a reader that follows it which file comes next.
    package private(set) var rotations = 0
    /// Why the log cannot be written just now; nil where all is well.
    package private(set) var problem: String?
    private var line: JSONLogLine
    private var file: LinuxKernel.Descriptor?
    private var size: Int64 = 0
    private var lost = 0
    /// Lines not written yet; between calls only what could not be written.
    private var batch: [UInt8] = []
    private var pending: [Pending] = [Pending(), Pending()]
    private let clock: () -> Timestamp

    /// The beginning of a line whose end has not been seen.
    private struct Pending {
        var bytes: [UInt8] = []
        /// When the line's first piece was written; nil where no piece was.
        var firstPiece: Timestamp?
    }

    /// Opens the file, which is made where it is missing and appended to where not.
    /// - Throws: `ShimError.inputOutput`
    package init(
        _ configuration: LogConfiguration, clock: @escaping () -> Timestamp = { Timestamp.now }
    ) throws(ShimError) {
        self.configuration = configuration
        self.clock = clock
        line = JSONLogLine(attributes: configuration.attributes)
        do throws(SystemCallError) {
            try open(fresh: false)
        } catch {
            throw ShimError(.inputOutput, "cannot open the log file: \(error)")
        }
    }

    /// The beginning of the stream's last line, which is in no file yet.
    package func unfinishedLine(_ stream: StandardStream) -> [UInt8] {
        pending[Int(stream.rawValue) - 1].bytes
    }

    /// Whether `retry` has something to do.
    package var needsRetry: Bool { problem != nil }

    // MARK: Output

    /// Adds output of a process: any bytes, cut anywhere.
    package func write(_ stream: StandardStream, _ bytes: UnsafeBufferPointer<UInt8>) {
        // Room for what comes, if there is any again.
        if problem != nil { flush() }
        let index = Int(stream.rawValue) - 1
        var start = 0
        while start < bytes.count {
            let rest = UnsafeBufferPointer(rebasing: bytes[start...])
            guard let feed = position(ofLineFeedIn: rest) else {
                collect(rest, stream)
                break
            }
            let text = UnsafeBufferPointer(rebasing: rest[..<feed])
            if pending[index].bytes.isEmpty, text.count < Self.pieceLength {
                emit(text, terminated: true, stream, lineTime(index))
            } else {
                collect(text, stream)
                emitPending(stream, terminated: true)
            }
            pending[index].firstPiece = nil
            start += feed + 1
        }
        flush()
    }

    /// Writes a last line without a line feed, at the end of the stream.
    package func finish(_ stream: StandardStream) {
        if problem != nil { flush() }
        if !pending[Int(stream.rawValue) - 1].bytes.isEmpty { emitPending(stream, terminated: false) }
        flush()
    }

    /// Gives back memory that is only worth keeping while output flows.
    package func releaseMemory() { if batch.isEmpty { batch = [] } }

    /// Tries again to write what could not be written.
    package func retry() { flush() }

    private func position(ofLineFeedIn bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let base = bytes.baseAddress, let found = memchr(base, 0x0A, bytes.count) else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// Adds to the unfinished line; every full piece is written at once.
    private func collect(_ bytes: UnsafeBufferPointer<UInt8>, _ stream: StandardStream) {
        let index = Int(stream.rawValue) - 1
        var start = 0
        while start < bytes.count {
            let room = Self.pieceLength - pending[index].bytes.count
            let count = min(room, bytes.count - start)
            pending[index].bytes.append(contentsOf: bytes[start..<start + count])
            start += count
            if count == room {
                let time = lineTime(index)
                pending[index].firstPiece = time
                emitPending(stream, terminated: false)
            }
        }
    }

    private func lineTime(_ index: Int) -> Timestamp { pending[index].firstPiece ?? clock() }

    private func emitPending(_ stream: StandardStream, terminated: Bool) {
        let index = Int(stream.rawValue) - 1
        let text = pending[index].bytes
        pending[index].bytes = []
        text.withUnsafeBufferPointer { emit($0, terminated: terminated, stream, lineTime(index)) }
    }

    private func emit(
        _ text: UnsafeBufferPointer<UInt8>, terminated: Bool, _ stream: StandardStream, _ time: Timestamp
    ) {
        if let limit = configuration.maxSize, size + Int64(batch.count) >= limit {
            flush()
            if problem == nil { rotate(limit) }
        }
        // Once lines are lost, so are those that follow, until the note about them stands in their place.
        if problem != nil, lost > 0 || batch.count >= Self.backlogLimit {
            lost += 1
            return
        }
        line.append(text, terminated: terminated, stream, time, to: &batch)
    }

    // MARK: File

    private func flush() {
        if batch.isEmpty, lost == 0 { return }
        write()
        guard batch.isEmpty else { return }
        if problem != nil, lost > 0 {
            let note = Array("skiff: \(lost) log lines were lost: \(problem ?? "")".utf8)
            lost = 0
            note.withUnsafeBufferPointer { line.append($0, terminated: true, .error, clock(), to: &batch) }
            write()
        }
        if batch.isEmpty { problem = nil }
    }

    /// Writes as much of the batch as the file takes and keeps the rest.
    private func write() {
        guard let descriptor = file?.rawValue else { return }
        var written = 0
        while written < batch.count {
            do throws(SystemCallError) {
                written += try systemCall("write", configuration.path) {
                    batch.withUnsafeBytes {
                        Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
                    }
                }
            } catch {
                problem = error.description
                break
            }
        }
        size += Int64(written)
        if written == batch.count {
            batch.removeAll(keepingCapacity: true)
        } else {
            batch.removeFirst(written)
        }
    }

    /// Moves the files on by one and begins a new one. Where that fails the old file is written further.
    private func rotate(_ limit: Int64) {
        do throws(SystemCallError) {
            guard try trueSize() >= limit else { return }
            let path = configuration.path
            for number in stride(from: configuration.maxFiles - 1, to: 0, by: -1) {
                let source = number == 1 ? path : "\(path).\(number - 1)"
                if rename(source, "\(path).\(number)") != 0, errno != ENOENT {
                    throw SystemCallError(call: "rename", subject: source)
                }
            }
            if configuration.maxFiles == 1 { unlink(path) }
            try open(fresh: true)
            rotations += 1
        } catch {
            // Tried again after as many bytes once more.
            size = 0
            let note = Array("skiff: the log was not rotated: \(error)".utf8)
            note.withUnsafeBufferPointer { line.append($0, terminated: true, .error, clock(), to: &batch) }
        }
    }

    /// The file's size as it is now: somebody may have truncated it.
    private func trueSize() throws(SystemCallError) -> Int64 {
        guard let descriptor = file?.rawValue else { return 0 }
        var status = stat()
        try systemCall("fstat", configuration.path) { fstat(descriptor, &status) }
        size = Int64(status.st_size)
        return size
    }

    private func open(fresh: Bool) throws(SystemCallError) {
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW
        file = try openFile(configuration.path, flags, mode: 0o640)
        size = 0
        guard !fresh, try trueSize() > 0 else { return }
        // A line that a power cut left without its end must not swallow the next one.
        let reader = try openFile(configuration.path, O_RDONLY)
        var last: UInt8 = 0
        let offset = off_t(size - 1)
        let raw = reader.rawValue
        let count = try systemCall("pread", configuration.path) { pread(raw, &last, 1, offset) }
        if count == 1, last != 0x0A { batch.append(0x0A) }
    }
}
