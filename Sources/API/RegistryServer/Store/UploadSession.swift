import Glibc
import LinuxKernel
import NIOCore
import OCIModel
import Synchronization

/// A blob on its way in: a file that grows and its running digest. Used by one request at a time (`UploadTable`).
// Unchecked: `UploadTable` gives a session to one request and, under its lock, to the next when that has returned it.
final class UploadSession: @unchecked Sendable {
    let id: String
    let repository: RepositoryName
    let path: String
    /// When it began, in seconds since 1970; when it was last written to, for one of another process.
    let began: Int64
    /// Bytes that have come.
    private(set) var size: Int64
    private let algorithm: Digest.Algorithm
    private var hasher: ContentHasher?
    private var file: Int32 = -1
    private var hasFile: Bool
    private let ledger: UploadLedger
    /// Bytes of this upload that the ledger has.
    private var counted: Int64

    /// - Parameter size: nil for a new upload; what the file has for one that another process began
    init(
        id: String, repository: RepositoryName, path: String, algorithm: Digest.Algorithm, size: Int64?,
        began: Int64, ledger: UploadLedger
    ) {
        self.ledger = ledger
        self.began = began
        counted = size ?? 0
        ledger.add(counted, to: repository)
        self.id = id
        self.repository = repository
        self.path = path
        self.algorithm = algorithm
        self.size = size ?? 0
        // What another process wrote has to be hashed again, at the end, from the file.
        hasher = size == nil ? ContentHasher(algorithm) : nil
        hasFile = size != nil
    }

    deinit { if file >= 0 { close(file) } }

    private func descriptor() throws -> Int32 {
        if file < 0 {
            file = try openFile(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600).take()
            hasFile = true
        }
        return file
    }

    /// Appends bytes. What a full disk has kept out is not counted.
    /// - Parameter admit: told what all unfinished uploads and those of this repository take with these bytes; throws
    ///   where that is too much
    func append(_ bytes: ByteBuffer, admit: (_ total: Int64, _ own: Int64) throws -> Void = { _, _ in })
        throws
    {
        let (total, own) = ledger.add(Int64(bytes.readableBytes), to: repository)
        counted += Int64(bytes.readableBytes)
        defer { settle(size) }
        try admit(total, own)
        let file = try descriptor()
        do {
            try write(bytes, file)
        } catch {
            // What was written of these bytes will be sent again, and may be what the disk lacks. Where this fails, too,
            // they are written over.
            _ = ftruncate(file, off_t(size))
            throw error
        }
    }

    private func write(_ bytes: ByteBuffer, _ file: Int32) throws {
        try bytes.withUnsafeReadableBytes { source in
            var done = 0
            while done < source.count {
                let rest = UnsafeRawBufferPointer(rebasing: source[done...])
                let offset = off_t(size) + done
                done += try systemCall("pwrite", path) { pwrite(file, rest.baseAddress, rest.count, offset) }
            }
            hasher?.update(source)
            size += Int64(done)
        }
    }

    /// Makes the ledger have what is so.
    private func settle(_ count: Int64) {
        ledger.add(count - counted, to: repository)
        counted = count
    }

    /// The digest of what has come, by the algorithm of the one that is expected.
    func digest(_ algorithm: Digest.Algorithm) throws -> Digest {
        if let hasher, hasher.algorithm == algorithm { return try hasher.finish() }
        var hasher = ContentHasher(algorithm)
        let file = try descriptor()
        var offset: off_t = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = try systemCall("pread", path) {
                pread(file, buffer.baseAddress, buffer.count, offset)
            }
            if count == 0 { break }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += count
        }
        return try hasher.finish()
    }

    func sync() throws {
        let file = try descriptor()
        try systemCall("fsync", path) { fsync(file) }
    }

    /// The file has another name now, or none.
    func forgetFile() {
        if file >= 0 { close(file) }
        file = -1
        hasFile = false
        settle(0)
    }

    func remove() throws {
        if hasFile, unlink(path) != 0, errno != ENOENT {
            throw SystemCallError(call: "unlink", subject: path)
        }
        forgetFile()
    }

    /// Frees the descriptor while no request uses the session; thousands may wait.
    func rest() {
        if file >= 0 { close(file) }
        file = -1
    }
}
