import HTTPTransport
import NIOCore
import OCIModel

/// Pushing blobs (distribution-spec, "Pushing blobs", "Mounting a blob from another repository").
struct UploadRoutes: Sendable {
    let registry: Registry

    /// Begins an upload, or has done with a mount or a blob that comes along.
    func begin(_ exchange: Exchange, _ repository: RepositoryName) async throws {
        if let text = exchange.query["mount"], try await mount(exchange, repository, text) { return }
        if let text = exchange.query["digest"] {
            let digest = try Digest(registry: text)
            // Its name is told to nobody, so no other request can ask for it.
            let session = try registry.store.uploads.begin(repository, digest.algorithm, isBusy: true)
            return try await complete(exchange, repository, session, digest, nil)
        }
        var algorithm = Digest.Algorithm.sha256
        if let name = exchange.query["digest-algorithm"] {
            guard let known = Digest.Algorithm(rawValue: name) else {
                throw RegistryError(
                    .digestInvalid,
                    "unsupported digest algorithm \"\(name.prefix(32))\": use sha256, sha384 or sha512")
            }
            algorithm = known
        }
        try await registry.requireRoom(repository, for: 1)
        let session = try registry.store.uploads.begin(repository, algorithm)
        try await exchange.empty(202, Self.state(session))
    }

    /// - Returns: whether the blob is in the repository now
    private func mount(_ exchange: Exchange, _ repository: RepositoryName, _ text: String) async throws
        -> Bool
    {
        let digest = try Digest(registry: text)
        var source: RepositoryName?
        if let from = exchange.query["from"], !from.isEmpty {
            guard let name = RepositoryName(from) else {
                throw RegistryError(.nameInvalid, "invalid repository name \"\(from.prefix(255))\"")
            }
            source = name
        }
        let grants = exchange.grants
        let from = source
        let isMounted = try await registry.blocking { store in
            try store.mount(digest, into: repository, from: from) { grants.allows(.pull, $0) }
        }
        guard isMounted else { return false }
        try await created(exchange, repository, digest)
        return true
    }

    private func created(_ exchange: Exchange, _ repository: RepositoryName, _ digest: Digest) async throws {
        try await exchange.empty(
            201,
            [
                ("Location", "/v2/\(repository)/blobs/\(digest)"),
                ("Docker-Content-Digest", digest.description),
            ])
    }

    func status(_ exchange: Exchange, _ repository: RepositoryName, _ id: String) async throws {
        let session = try registry.store.uploads.take(id, of: repository)
        let fields = Self.state(session)
        registry.store.uploads.release(session, ends: false)
        try await exchange.empty(204, fields)
    }

    func cancel(_ exchange: Exchange, _ repository: RepositoryName, _ id: String) async throws {
        let session = try registry.store.uploads.take(id, of: repository)
        try await drop(session)
        try await exchange.empty(204)
    }

    /// A chunk, or everything as one stream.
    func append(_ exchange: Exchange, _ repository: RepositoryName, _ id: String) async throws {
        let session = try registry.store.uploads.take(id, of: repository)
        let fields: [Exchange.Field]
        do {
            // Given back before the answer: the next chunk may be here as soon as the client has that.
            defer { registry.store.uploads.release(session, ends: false) }
            let range = try chunkRange(exchange)
            try requireOrder(session, range)
            try await receive(exchange, session, range)
            fields = Self.state(session)
        } catch let error as OutOfOrder {
            return try await exchange.writer.send(.refusal(error.refusal, error.fields))
        }
        try await exchange.empty(202, fields)
    }

    /// The end of an upload, with the last chunk, with everything, or with nothing.
    func finish(_ exchange: Exchange, _ repository: RepositoryName, _ id: String) async throws {
        guard let text = exchange.query["digest"] else {
            throw RegistryError(.digestInvalid, "the digest of the whole blob is missing: add ?digest=")
        }
        let digest = try Digest(registry: text)
        let session = try registry.store.uploads.take(id, of: repository)
        do {
            let range = try chunkRange(exchange)
            try requireOrder(session, range)
            try await complete(exchange, repository, session, digest, range)
        } catch {
            // What was cut off can go on; `complete` ends what is over by itself.
            registry.store.uploads.release(session, ends: false)
            guard let error = error as? OutOfOrder else { throw error }
            try await exchange.writer.send(.refusal(error.refusal, error.fields))
        }
    }

    private func complete(
        _ exchange: Exchange, _ repository: RepositoryName, _ session: UploadSession, _ digest: Digest,
        _ range: ChunkRange?
    ) async throws {
        do {
            try await receive(exchange, session, range)
        } catch {
            // A single POST has given nobody the name of its upload.
            if exchange.head.method == "POST" { try await drop(session) }
            throw error
        }
        do {
            try await registry.blocking { store in
                let found = try session.digest(digest.algorithm)
                guard found == digest else {
                    throw RegistryError(
                        .digestInvalid,
                        "the content is \(found) (\(session.size) bytes), not \(digest): push it again")
                }
                _ = try store.commit(session, as: digest)
            }
        } catch {
            try await drop(session)
            try await registry.collector.removeIfUnused(digest)
            throw error
        }
        registry.store.uploads.release(session, ends: true)
        try await created(exchange, repository, digest)
    }

    private func drop(_ session: UploadSession) async throws {
        try await registry.blocking { _ in try session.remove() }
        registry.store.uploads.release(session, ends: true)
    }

    private func chunkRange(_ exchange: Exchange) throws -> ChunkRange? {
        guard let field = exchange.head["content-range"] else { return nil }
        let range = try ChunkRange(field)
        if case .bytes(let length) = exchange.head.bodyLength, Int64(length) != range.count {
            throw RegistryError(
                .sizeInvalid, "Content-Range names \(range.count) bytes, Content-Length \(length)")
        }
        return range
    }

    /// A chunk that is not the next, and where the upload stood when it came.
    private struct OutOfOrder: Error {
        let refusal: RegistryError
        let fields: [Exchange.Field]
    }

    /// - Throws: `OutOfOrder`
    private func requireOrder(_ session: UploadSession, _ range: ChunkRange?) throws {
        guard let range, range.first != session.size else { return }
        let refusal = RegistryError(
            .uploadOutOfOrder,
            "the chunk begins at byte \(range.first), but \(session.size) bytes have come: go on from there")
        throw OutOfOrder(refusal: refusal, fields: Self.state(session))
    }

    /// - Throws: `RegistryError`; after `quotaExceeded` and `uploadTooOld` nothing is left of the upload
    private func receive(_ exchange: Exchange, _ session: UploadSession, _ range: ChunkRange?) async throws {
        guard case .stream(let body) = exchange.body else { return }
        do {
            if case .bytes(let length) = exchange.head.bodyLength {
                try await registry.requireRoom(session.repository, for: Int64(length))
            }
            try await receive(body, session, range)
        } catch let error as RegistryError where error.code == .quotaExceeded || error.code == .uploadTooOld {
            // It cannot go on, and what has come of it would keep others out.
            try await registry.blocking { _ in try session.remove() }
            registry.store.uploads.forget(session)
            throw error
        }
    }

    private func receive(_ body: RequestBody, _ session: UploadSession, _ range: ChunkRange?) async throws {
        var missing = range?.count
        while let bytes = try await body.next() {
            let count = Int64(bytes.readableBytes)
            if let more = missing {
                guard count <= more else {
                    throw RegistryError(.sizeInvalid, "the chunk is longer than its Content-Range says")
                }
                missing = more - count
            }
            guard RegistryStore.now - session.began < registry.settings.uploadLifetime else {
                throw RegistryError(
                    .uploadTooOld,
                    "the upload has gone on for \(registry.settings.uploadLifetime) seconds: begin a new one")
            }
            registry.metrics.received(Int(count))
            try await registry.blocking { try $0.append(bytes, to: session) }
        }
        if let missing, missing > 0 {
            throw RegistryError(
                .sizeInvalid, "the chunk is \(missing) bytes shorter than its Content-Range says")
        }
    }

    private static func state(_ session: UploadSession) -> [Exchange.Field] {
        [
            ("Location", "/v2/\(session.repository)/blobs/uploads/\(session.id)"),
            ("Range", "0-\(max(0, session.size - 1))"), ("Docker-Upload-Uuid", session.id),
        ]
    }
}
