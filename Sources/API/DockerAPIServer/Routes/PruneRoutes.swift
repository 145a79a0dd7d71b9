import DockerAPI
import Engine
import HTTPTransport
import ImageStore
import JSONCodec

/// What `system prune` asks for besides containers and networks.
struct PruneRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [
            Endpoint(.imagePrune, images), Endpoint(.buildPrune, buildCache),
        ]
    }

    @Sendable private func images(_ request: Request, _ reply: Reply) async throws {
        let (removals, reclaimed) = try await engine.images.prune(try request.filters())
        let deleted = try removals.map { try JSONValue(encoding: ImageDeleteItem($0)) }
        try await reply.json(
            ["ImagesDeleted": Self.list(deleted), "SpaceReclaimed": .integer(reclaimed)] as JSONValue)
    }

    /// Nothing is built here yet, so no cache is kept.
    @Sendable private func buildCache(_ request: Request, _ reply: Reply) async throws {
        try await reply.json(["CachesDeleted": .null, "SpaceReclaimed": 0] as JSONValue)
    }

    private static func list(_ values: [JSONValue]) -> JSONValue { values.isEmpty ? .null : .array(values) }
}
