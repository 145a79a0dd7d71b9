import DockerAPI
import Engine
import HTTPTransport
import JSONCodec
import NIOCore
import OCIModel
import RegistryClient

/// What concerns registries and no image here: login, search, and looks at manifests.
struct RegistryRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [
            Endpoint(.systemAuth, endsWithClient: true, login),
            Endpoint(.imageSearch, endsWithClient: true, search),
            Endpoint(.distributionInspect, endsWithClient: true, inspect),
            Endpoint(.distributionManifest, endsWithClient: true, manifest),
            Endpoint(.distributionManifestPush, body: .collect(limit: 16 << 20), pushManifest),
        ]
    }

    @Sendable private func login(_ request: Request, _ reply: Reply) async throws {
        let body: JSONValue = try request.json()
        let server = body["serveraddress"]?.stringValue ?? ""
        do {
            let token = try await engine.registries.login(
                server: server, credentials: RegistryCredentials(body))
            try await reply.json(["Status": "Login Succeeded", "IdentityToken": .string(token)] as JSONValue)
        } catch let error as RegistryError where error.code == .unauthorized {
            // Clients ask for another password then.
            try await reply.error(status: 401, message: error.message)
        }
    }

    @Sendable private func search(_ request: Request, _ reply: Reply) async throws {
        let filters = try request.filters()
        try filters.require(keys: ["is-automated", "is-official", "stars"])
        let term = request.query["term"] ?? ""
        guard !term.isEmpty else { throw APIError.badRequest("invalid search term: it is empty") }
        let limit = try request.integer("limit") ?? 25
        guard (1...100).contains(limit) else {
            throw APIError.badRequest("limit \(limit) is outside the range of [1, 100]")
        }
        let stars = try filters["stars"].map { text in
            guard let number = Int(text) else { throw APIError.badRequest("invalid filter 'stars=\(text)'") }
            return number
        }.max()
        let isOfficial = try filters.flag("is-official")
        let isAutomated = try filters.flag("is-automated")
        // As for a pull: what cannot be read counts as none.
        let credentials = (try? request.registryCredentials()) ?? RegistryCredentials()
        let found = try await engine.registries.search(term, limit: limit, credentials: credentials)
        let fitting = found.filter { result in
            result.stars >= stars ?? 0 && isOfficial ?? result.isOfficial == result.isOfficial
                && isAutomated ?? result.isAutomated == result.isAutomated
        }
        try await reply.json(
            .array(
                fitting.map { result in
                    [
                        "star_count": .integer(Int64(result.stars)), "is_official": .bool(result.isOfficial),
                        "name": .string(result.name), "is_automated": .bool(result.isAutomated),
                        "description": .string(result.description),
                    ]
                }))
    }

    @Sendable private func inspect(_ request: Request, _ reply: Reply) async throws {
        let name = try Reference(request.reference).withDefaultTag
        let found = try await engine.registries.distribution(
            name, credentials: try request.registryCredentials())
        try await reply.json(
            [
                "Descriptor": [
                    "mediaType": .string(found.descriptor.mediaType),
                    "digest": .string(found.descriptor.digest.description),
                    "size": .integer(found.descriptor.size),
                ],
                "Platforms": .array(try found.platforms.map { try JSONValue(encoding: $0) }),
            ] as JSONValue)
    }

    /// The bytes as the registry has them.
    @Sendable private func manifest(_ request: Request, _ reply: Reply) async throws {
        let name = try Reference(request.reference).withDefaultTag
        let found = try await engine.registries.manifest(name, credentials: try request.registryCredentials())
        try await reply.send(
            Response(
                status: 200,
                fields: [
                    ("Content-Type", found.mediaType), ("Docker-Content-Digest", found.digest.description),
                ], body: ByteBuffer(bytes: found.bytes)))
    }

    /// `{"mediaType": …, "manifest": TEXT, "sources": [REFERENCE, …]}`: an index, after what it names was copied into the
    /// same repository.
    @Sendable private func pushManifest(_ request: Request, _ reply: Reply) async throws {
        let name = try Reference(request.reference).withDefaultTag
        let body: JSONValue = try request.json()
        guard let text = body["manifest"]?.stringValue, let type = body["mediaType"]?.stringValue,
            MediaType.isIndex(type)
        else { throw APIError.badRequest("an index and its media type are expected (manifest, mediaType)") }
        let sources = try (body["sources"]?.arrayValue ?? []).compactMap(\.stringValue).map {
            try Reference($0)
        }
        let digest = try await engine.registries.pushIndex(
            name, bytes: Array(text.utf8), mediaType: type, sources: sources,
            credentials: try request.registryCredentials())
        try await reply.json(["Digest": .string(digest.description)] as JSONValue, status: 201)
    }
}
