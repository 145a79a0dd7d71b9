import CLinux
import Glibc
import HTTPTransport
import LinuxKernel
import NIOCore
import OCIModel

/// Pulling and deleting blobs.
struct BlobRoutes: Sendable {
    let registry: Registry

    /// Smaller ones go out in one write with their head.
    private static let smallSize = 64 << 10
    /// How much goes to the kernel at a time, so that the connection's thread is shared fairly.
    private static let window = 4 << 20
    /// How much is read at a time where it has to be encrypted.
    private static let piece = 256 << 10

    func get(_ exchange: Exchange, _ repository: RepositoryName, _ text: String) async throws {
        let digest = try Digest(registry: text)
        if let fill = try await registry.fill(repository, digest) {
            return try await send(exchange, digest, fill)
        }
        let isHead = exchange.head.method == "HEAD"
        let found: (StoredBlob, SharedDescriptor, ByteBuffer?)? = try await registry.blocking { store in
            guard let blob = try store.blob(repository, digest, touches: isHead) else { return nil }
            let file: SharedDescriptor
            do {
                file = try store.blobs.open(digest)
            } catch let error as RegistryError where error.code == .contentCorrupted {
                // Deleted and collected since it was found: not there, like any other.
                store.recent.forget(repository, digest)
                guard try store.blob(repository, digest, touches: false) != nil else { return nil }
                throw error
            }
            let isSmall = !isHead && blob.size <= Self.smallSize
            return (blob, file, isSmall ? try Self.read(file, 0, Int(blob.size), digest) : nil)
        }
        guard let (blob, file, content) = found else { throw Self.unknown(repository, digest) }
        let tag = "\"\(digest)\""
        var fields: [Exchange.Field] = [
            Exchange.version, ("Content-Type", "application/octet-stream"), ("Accept-Ranges", "bytes"),
            ("Docker-Content-Digest", digest.description), ("Etag", tag),
            ("Cache-Control", "max-age=31536000"),
        ]
        if exchange.head.has("if-none-match", token: tag) {
            return try await exchange.writer.send(Response(status: 304, fields: fields))
        }
        let asksForPart = exchange.head["if-range"].map { $0 == tag } ?? true
        let range = RequestedRange(asksForPart && !isHead ? exchange.head["range"] : nil, size: blob.size)
        switch range {
        case .unsatisfiable:
            fields.append(("Content-Range", "bytes */\(blob.size)"))
            let error = RegistryError(
                .rangeInvalid,
                "blob \(digest) has \(blob.size) bytes: the range that is asked for is not in it")
            try await exchange.writer.send(.refusal(error, [("Content-Range", "bytes */\(blob.size)")]))
        case .whole: try await send(exchange, 200, fields, file, 0..<blob.size, content, digest)
        case .part(let part):
            fields.append(("Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(blob.size)"))
            let slice = content.flatMap { $0.getSlice(at: Int(part.lowerBound), length: part.count) }
            try await send(exchange, 206, fields, file, part, slice, digest)
        }
    }

    private func send(
        _ exchange: Exchange, _ status: Int, _ fields: [Exchange.Field], _ file: SharedDescriptor,
        _ range: Range<Int64>, _ content: ByteBuffer?, _ digest: Digest
    ) async throws {
        let writer = exchange.writer
        var body = writer.start(status: status, fields: fields, length: range.count)
        if let content { return try await writer.send(content, of: &body) }
        if exchange.head.method == "HEAD" { return try await writer.send(ByteBuffer(), of: &body) }
        var offset = Int(range.lowerBound)
        let end = Int(range.upperBound)
        while offset < end {
            let count = min(end - offset, Self.window)
            // Disks are asked ahead, so that the connection's thread finds the bytes in memory.
            posix_fadvise(file.rawValue, offset + count, Self.window, POSIX_FADV_WILLNEED)
            let sent = try await writer.send(file, offset: offset, count: count, of: &body)
            offset += sent
            guard sent < count else { continue }
            let bytes = try await piece(file, offset, end, digest)
            try await writer.send(bytes, of: &body)
            offset += bytes.readableBytes
        }
    }

    private func piece(
        _ file: SharedDescriptor, _ offset: Int, _ end: Int, _ digest: Digest
    ) async throws -> ByteBuffer {
        try await registry.blocking { _ in try Self.read(file, offset, min(Self.piece, end - offset), digest)
        }
    }

    private static func read(
        _ file: SharedDescriptor, _ offset: Int, _ count: Int, _ digest: Digest
    ) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(count)
        while buffer.readableBytes < count {
            let done = buffer.readableBytes
            let got = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count - done) { target in
                try systemCall("pread") {
                    pread(file.rawValue, target.baseAddress, count - done, off_t(offset + done))
                }
            }
            guard got > 0 else {
                throw RegistryError(
                    .contentCorrupted,
                    "the file of blob \(digest) is shorter than its record says: push the blob again")
            }
        }
        return buffer
    }

    /// A blob that is coming from upstream at this moment.
    private func send(_ exchange: Exchange, _ digest: Digest, _ fill: BlobFill) async throws {
        let size = try await fill.size()
        let fields: [Exchange.Field] = [
            Exchange.version, ("Content-Type", "application/octet-stream"),
            ("Docker-Content-Digest", digest.description), ("Etag", "\"\(digest)\""),
        ]
        var body = exchange.writer.start(status: 200, fields: fields, length: Int(size))
        if exchange.head.method == "HEAD" { return try await exchange.writer.send(ByteBuffer(), of: &body) }
        var offset = 0
        while offset < Int(size) {
            let (file, end) = try await fill.available(beyond: offset)
            let count = min(end - offset, Self.piece)
            let start = offset
            let bytes = try await registry.blocking { _ in try Self.read(file, start, count, digest) }
            try await exchange.writer.send(bytes, of: &body)
            offset += count
        }
        if size == 0 { try await exchange.writer.send(ByteBuffer(), of: &body) }
    }

    func delete(_ exchange: Exchange, _ repository: RepositoryName, _ text: String) async throws {
        let digest = try Digest(registry: text)
        guard try await registry.blocking({ try $0.unlinkBlob(repository, digest) }) else {
            throw Self.unknown(repository, digest)
        }
        try await exchange.empty(202, [("Docker-Content-Digest", digest.description)])
    }

    static func unknown(_ repository: RepositoryName, _ digest: Digest) -> RegistryError {
        RegistryError(.blobUnknown, "no blob \(digest) in repository \(repository)")
    }
}
