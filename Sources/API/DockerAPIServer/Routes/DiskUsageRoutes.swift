import DockerAPI
import Engine
import HTTPTransport
import ImageStore
import JSONCodec
import OCIModel

/// `GET /system/df` and `POST /images/prune`.
struct DiskUsageRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [Endpoint(.systemDataUsage, endsWithClient: true, usage), Endpoint(.imagePrune, prune)]
    }

    private static let kinds: Set<String> = ["container", "image", "volume", "build-cache"]

    @Sendable private func usage(_ request: Request, _ reply: Reply) async throws {
        let wanted = Set(request.query.all("type"))
        if let unknown = wanted.first(where: { !Self.kinds.contains($0) }) {
            throw APIError.badRequest("unknown object type: \(unknown)")
        }
        func wants(_ kind: String) -> Bool { wanted.isEmpty || wanted.contains(kind) }
        var answer = JSONObject()
        if wants("image") {
            let usage = try await engine.images.usage()
            answer["LayersSize"] = .integer(usage.total)
            answer["Images"] = .array(try images(usage, request.version))
        }
        if wants("container") {
            answer["Containers"] = .array(try await containers(request.version))
        }
        if wants("volume") { answer["Volumes"] = .array([]) }
        if wants("build-cache") {
            answer["BuildCache"] = .array([])
            answer["BuilderSize"] = .integer(0)
        }
        try await reply.json(.object(answer))
    }

    private func images(_ usage: StoreUsage, _ version: APIVersion) throws -> [JSONValue] {
        try engine.images.list(all: true, filters: Filters()).map { image in
            var summary = ImageSummary(image, version: version)
            summary.sharedSize = usage.shared[image.id] ?? 0
            summary.containers = Int64(engine.images.containerCount(image.id))
            return try JSONValue(encoding: summary)
        }
    }

    private func containers(_ version: APIVersion) async throws -> [JSONValue] {
        var list: [JSONValue] = []
        var options = ListOptions()
        options.all = true
        for inspection in try engine.containers.list(options) {
            // One that goes meanwhile occupies nothing.
            let size = try? await engine.containers.size(inspection.id)
            list.append(
                try JSONValue(
                    encoding: ContainerSummary(inspection, size: size, now: .now, version: version)))
        }
        return list
    }

    @Sendable private func prune(_ request: Request, _ reply: Reply) async throws {
        let (removals, reclaimed) = try await engine.images.prune(try request.filters())
        let deleted = try removals.map { try JSONValue(encoding: ImageDeleteItem($0)) }
        try await reply.json(
            [
                "ImagesDeleted": deleted.isEmpty ? .null : .array(deleted),
                "SpaceReclaimed": .integer(reclaimed),
            ] as JSONValue)
    }
}
