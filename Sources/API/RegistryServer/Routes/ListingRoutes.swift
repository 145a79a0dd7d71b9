import HTTPTransport
import JSONCodec
import NIOCore
import OCIModel

/// Lists of tags, repositories and referrers.
struct ListingRoutes: Sendable {
    let registry: Registry

    /// At most so many referrers in one answer; annotations make them large.
    private static let referrersLimit = 500

    /// At most so many names in one answer, however many are asked for.
    private static let namesLimit = 10_000

    func tags(_ exchange: Exchange, _ repository: RepositoryName) async throws {
        let limit = min(try exchange.count("n") ?? Self.namesLimit, Self.namesLimit)
        let last = exchange.query["last"] ?? ""
        let page: Page<String>? = try await registry.blocking { store in
            let page = try store.tags(repository, limit: limit, after: last)
            return try page.items.isEmpty && !store.hasContent(repository) ? nil : page
        }
        guard let page else { throw RegistryError(.nameUnknown, "no repository \(repository)") }
        var fields: [Exchange.Field] = []
        if page.hasMore, let last = page.items.last {
            fields.append(Exchange.next("/v2/\(repository)/tags/list", [("last", last), ("n", "\(limit)")]))
        }
        try await exchange.json(
            ["name": .string(repository.description), "tags": .array(page.items.map { .string($0) })], fields)
    }

    func catalog(_ exchange: Exchange) async throws {
        let limit = min(try exchange.count("n") ?? Self.namesLimit, Self.namesLimit)
        let last = exchange.query["last"] ?? ""
        let page = try await registry.blocking { try $0.repositories(limit: limit, after: last) }
        var fields: [Exchange.Field] = []
        if page.hasMore, let last = page.items.last {
            fields.append(Exchange.next("/v2/_catalog", [("last", last), ("n", "\(limit)")]))
        }
        try await exchange.json(["repositories": .array(page.items.map { .string($0) })], fields)
    }

    func referrers(_ exchange: Exchange, _ repository: RepositoryName, _ text: String) async throws {
        let digest = try Digest(registry: text)
        let filter = exchange.query["artifactType"].flatMap { $0.isEmpty ? nil : $0 }
        let last = exchange.query["last"] ?? ""
        let limit = min(try exchange.count("n") ?? Self.referrersLimit, Self.referrersLimit)
        let page = try await registry.blocking {
            try $0.referrers(repository, digest, artifactType: filter, limit: max(1, limit), after: last)
        }
        var fields: [Exchange.Field] = []
        if filter != nil { fields.append(("OCI-Filters-Applied", "artifactType")) }
        if page.hasMore, let last = page.items.last {
            var parameters = [(name: "last", value: last.digest), (name: "n", value: "\(limit)")]
            if let filter { parameters.append((name: "artifactType", value: filter)) }
            fields.append(Exchange.next("/v2/\(repository)/referrers/\(digest)", parameters))
        }
        try await exchange.json(
            [
                "schemaVersion": 2, "mediaType": .string(MediaType.ociIndex),
                "manifests": .array(page.items.map(\.descriptor)),
            ], type: MediaType.ociIndex, fields)
    }
}
