import HTTPTransport
import DockerAPI
import Engine
import ImageStore
import OCIModel

/// Images: list, inspect, history, tag, remove.
struct ImageRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [
            Endpoint(.imageList, list), Endpoint(.imageInspect, inspect), Endpoint(.imageHistory, history),
            Endpoint(.imageTag, tag), Endpoint(.imageDelete, remove),
        ]
    }

    @Sendable private func list(_ request: Request, _ reply: Reply) async throws {
        if request.query.flag("manifests") { throw APIError.notBuilt("listing manifests (manifests=1)") }
        var filters = try request.filters()
        // Before 1.25 a pattern came in a parameter of its own.
        if let pattern = request.query["filter"], !pattern.isEmpty {
            filters.values["reference", default: []].append(pattern)
        }
        let images = try engine.images.list(all: request.query.flag("all"), filters: filters)
        try await reply.json(images.map { ImageSummary($0, version: request.version) })
    }

    @Sendable private func inspect(_ request: Request, _ reply: Reply) async throws {
        if request.query.flag("manifests") { throw APIError.notBuilt("inspecting manifests (manifests=1)") }
        try await reply.json(
            ImageInspect(try engine.images.inspect(request.reference), version: request.version))
    }

    @Sendable private func history(_ request: Request, _ reply: Reply) async throws {
        try await reply.json(try engine.images.history(request.reference).map(ImageHistoryItem.init))
    }

    @Sendable private func tag(_ request: Request, _ reply: Reply) async throws {
        try await engine.images.tag(
            request.reference, repository: request.query["repo"] ?? "", tag: request.query["tag"])
        try await reply.empty(201)
    }

    @Sendable private func remove(_ request: Request, _ reply: Reply) async throws {
        if request.query["platforms"] != nil {
            throw APIError.notBuilt("removing single platforms (platforms)")
        }
        guard !request.reference.trimmingBlanks().isEmpty else {
            throw APIError.badRequest("image name cannot be blank")
        }
        let removals = try await engine.images.remove(
            request.reference, force: request.query.flag("force"),
            pruneParents: !request.query.flag("noprune"))
        try await reply.json(removals.map(ImageDeleteItem.init))
    }
}

extension ImageDeleteItem {
    init(_ removal: ImageRemoval) {
        self.init()
        switch removal {
        case .untagged(let reference, _): untagged = reference
        case .deletedImage(let id), .deletedLayer(let id): deleted = id.description
        }
    }
}

extension ImageHistoryItem {
    init(_ entry: ImageHistoryEntry) {
        self.init()
        id = entry.id?.description ?? "<missing>"
        created = entry.created?.seconds ?? 0
        createdBy = entry.createdBy
        comment = entry.comment
        size = entry.size
        tags = entry.tags.isEmpty ? nil : entry.tags
    }
}
