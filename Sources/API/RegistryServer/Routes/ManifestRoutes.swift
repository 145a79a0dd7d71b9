import HTTPTransport
import NIOCore
import OCIModel

/// Pulling, pushing and deleting manifests and tags.
struct ManifestRoutes: Sendable {
    let registry: Registry

    private static let tagLimit = 64

    func get(_ exchange: Exchange, _ repository: RepositoryName, _ text: String) async throws {
        let reference = try ManifestReference(text)
        let found =
            if let upstream = registry.upstream {
                try await upstream.manifest(repository, reference)
            } else {
                try await registry.blocking { try $0.manifest(repository, reference) }
            }
        guard let manifest = found else { throw Self.unknown(repository, text) }
        let tag = "\"\(manifest.digest)\""
        let fields: [Exchange.Field] = [
            Exchange.version, ("Content-Type", manifest.mediaType), ("Etag", tag),
            ("Docker-Content-Digest", manifest.digest.description),
        ]
        let isKnown = exchange.head.has("if-none-match", token: tag)
        try await exchange.writer.send(
            isKnown
                ? Response(status: 304, fields: fields)
                : Response(status: 200, fields: fields, body: ByteBuffer(bytes: manifest.content)))
    }

    func put(_ exchange: Exchange, _ repository: RepositoryName, _ text: String) async throws {
        let reference = try ManifestReference(text)
        let bytes = try await content(exchange)
        let document = try ManifestDocument(bytes, contentType: exchange.head["content-type"])
        let (digest, tags) = try Self.names(exchange, reference, bytes)
        try await registry.blocking { try $0.put(document, bytes, digest, tags: tags, into: repository) }
        var fields: [Exchange.Field] = [
            ("Location", "/v2/\(repository)/manifests/\(digest)"),
            ("Docker-Content-Digest", digest.description),
        ]
        if let subject = document.subject { fields.append(("OCI-Subject", subject.description)) }
        if case .digest = reference { fields += tags.map { ("OCI-Tag", $0) } }
        try await exchange.empty(201, fields)
    }

    /// - Throws: `RegistryError` (`manifestTooLarge`)
    private func content(_ exchange: Exchange) async throws -> [UInt8] {
        let limit = registry.settings.manifestLimit
        let tooLarge = RegistryError(
            .manifestTooLarge, "the manifest is larger than the \(limit) bytes that are taken")
        if case .bytes(let count) = exchange.head.bodyLength, count > limit { throw tooLarge }
        guard case .stream(let body) = exchange.body else { return [] }
        var bytes: [UInt8] = []
        while let piece = try await body.next() {
            guard bytes.count + piece.readableBytes <= limit else { throw tooLarge }
            bytes += piece.readableBytesView
        }
        return bytes
    }

    /// The digest of what was sent, and the tags that are to point at it.
    private static func names(
        _ exchange: Exchange, _ reference: ManifestReference, _ bytes: [UInt8]
    ) throws -> (Digest, [String]) {
        switch reference {
        case .tag(let tag): return (try ContentHasher.digest(of: bytes, .sha256), [tag])
        case .digest(let digest):
            let found = try ContentHasher.digest(of: bytes, digest.algorithm)
            guard found == digest else {
                throw RegistryError(.digestInvalid, "the manifest is \(found), not \(digest)")
            }
            let tags = exchange.query.all("tag")
            guard tags.count <= tagLimit else {
                throw RegistryError(.tagInvalid, "more than \(tagLimit) tags in one request")
            }
            if let wrong = tags.first(where: { !ManifestReference.isTag($0) }) {
                throw RegistryError(.tagInvalid, "invalid tag \"\(wrong.prefix(128))\"")
            }
            return (digest, tags)
        }
    }

    func delete(_ exchange: Exchange, _ repository: RepositoryName, _ text: String) async throws {
        let reference = try ManifestReference(text)
        let wasThere = try await registry.blocking { store in
            switch reference {
            case .tag(let tag): try store.removeTag(repository, tag)
            case .digest(let digest): try store.removeManifest(repository, digest)
            }
        }
        guard wasThere else { throw Self.unknown(repository, text) }
        try await exchange.empty(202)
    }

    private static func unknown(_ repository: RepositoryName, _ reference: String) -> RegistryError {
        RegistryError(.manifestUnknown, "no manifest \(reference) in repository \(repository)")
    }
}
