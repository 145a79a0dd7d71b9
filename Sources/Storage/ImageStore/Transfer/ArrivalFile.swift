import Glibc
import LinuxKernel
import OCIModel

/// The file into which a blob comes. It outlives a pull that fails and the daemon's death, and is continued.
final class ArrivalFile {
    let path: String
    private let file: Descriptor
    /// How many bytes it had when it was opened.
    private(set) var resumedAt: Int64 = 0
    /// How many bytes it has.
    private(set) var count: Int64 = 0

    /// - Parameter size: how many it may have; one with more is begun again
    init(_ path: String, size: Int64) throws {
        self.path = path
        file = try openFile(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        let raw = file.rawValue
        var status = stat()
        try systemCall("fstat", path) { fstat(raw, &status) }
        if Int64(status.st_size) > size {
            try clear()
        } else {
            count = Int64(status.st_size)
            resumedAt = count
        }
    }

    /// - Parameter keepsResumption: whether `resumedAt` stays, for those who decide by it
    func clear(keepsResumption: Bool = false) throws {
        let raw = file.rawValue
        try systemCall("ftruncate", path) { ftruncate(raw, 0) }
        count = 0
        if !keepsResumption { resumedAt = 0 }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        var offset = 0
        let raw = file.rawValue
        while offset < bytes.count {
            let position = off_t(count)
            let written = try systemCall("pwrite", path) {
                pwrite(raw, bytes.baseAddress.map { $0 + offset }, bytes.count - offset, position)
            }
            offset += written
            count += Int64(written)
        }
    }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let raw = file.rawValue
        return try systemCall("pread", path) { pread(raw, buffer.baseAddress, buffer.count, off_t(offset)) }
    }
}

/// A blob's bytes: first those that the file has already, then those that come, which the file gets too.
final class ArrivalSource {
    let file: ArrivalFile
    private let size: Int64
    private let open: (Int64) throws -> any ByteSource
    private let stored: Int64
    private var offset: Int64 = 0
    private var rest: (any ByteSource)?

    init(file: ArrivalFile, size: Int64, open: @escaping (Int64) throws -> any ByteSource) {
        self.file = file
        self.size = size
        self.open = open
        stored = file.count
    }

    /// Fills the chunk unless the end comes first.
    func fill(_ chunk: Chunk) throws {
        while !chunk.isFull, offset < size {
            let count: Int
            if offset < stored {
                let room = chunk.space
                let length = min(Int64(room.count), stored - offset)
                count = try file.read(
                    at: offset, into: UnsafeMutableRawBufferPointer(rebasing: room[..<Int(length)]))
                guard count > 0 else { throw ImageError(.input, "\(file.path) became shorter") }
            } else {
                count = try fetch(chunk.space)
                if count == 0 { return }
            }
            offset += Int64(count)
            chunk.count += count
        }
    }

    private func fetch(_ room: UnsafeMutableRawBufferPointer) throws -> Int {
        let source = try rest ?? open(offset)
        rest = source
        let count = try source.read(into: room)
        if count > 0 { try file.append(UnsafeRawBufferPointer(rebasing: room[..<count])) }
        return count
    }
}

extension ImageStore {
    /// Seconds after which nobody is expected to continue a blob.
    static let arrivalAge: Int64 = 7 * 86400

    /// Removes blobs that came half and that nobody is fetching.
    /// - Parameter age: seconds since they were last written to
    /// - Returns: their bytes
    @discardableResult
    func clearArrivals(olderThan age: Int64) throws -> Int64 {
        var bytes: Int64 = 0
        let now = Timestamp.now.seconds
        for name in try namesInFolder(paths.arrivals) {
            var status = stat()
            let path = "\(paths.arrivals)/\(name)"
            guard lstat(path, &status) == 0, now - Int64(status.st_mtim.tv_sec) >= age else { continue }
            if let digest = Digest(hex: name), arrivals.contains(digest) { continue }
            if unlink(path) == 0 { bytes += Int64(status.st_size) }
        }
        return bytes
    }

    /// Bytes of blobs that came half.
    func bytesOfArrivals() throws -> Int64 {
        var bytes: Int64 = 0
        for name in try namesInFolder(paths.arrivals) {
            var status = stat()
            if lstat("\(paths.arrivals)/\(name)", &status) == 0 { bytes += Int64(status.st_size) }
        }
        return bytes
    }
}
