import DockerAPI
import Engine
import HTTPTransport
import ImageStore
import JSONCodec
import OCIModel

/// `GET /system/df`.
struct DiskUsageRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.systemDataUsage, endsWithClient: true, usage)] }

    private static let kinds: Set<String> = ["container", "image", "volume", "build-cache"]

    @Sendable private func usage(_ request: Request, _ reply: Reply) async throws {
        let wanted = Set(request.query.all("type"))
        if let unknown = wanted.first(where: { !Self.kinds.contains($0) }) {
            throw APIError.badRequest("unknown object type: \(unknown)")
        }
        func wants(_ kind: String) -> Bool { wanted.isEmpty || wanted.contains(kind) }
        var answer = JSONObject()
        let images = wants("image") ? try engine.images.list(all: true, filters: Filters()) : []
        let store = wants("image") ? try await engine.images.usage() : StoreUsage()
        let containers = wants("container") ? try await engine.containers.diskUsage() : []
        if wants("image") {
            answer["LayersSize"] = .integer(store.total)
            answer["Images"] = .array(try self.images(images, store, request.version))
        }
        if wants("container") {
            answer["Containers"] = .array(try self.containers(containers, request.version))
        }
        if wants("volume") {
            answer["Volumes"] = .array(
                try await engine.volumes.usage().map {
                    try JSONValue(encoding: VolumeResource($0, version: request.version))
                })
        }
        if wants("build-cache") {
            answer["BuildCache"] = .array([])
            answer["BuilderSize"] = .integer(0)
        }
        if wants("image"), wants("container") { answer["Sharing"] = sharing(images, store, containers) }
        try await reply.json(.object(answer))
    }

    private func images(
        _ images: [Image], _ usage: StoreUsage, _ version: APIVersion
    ) throws -> [JSONValue] {
        try images.map { image in
            var summary = ImageSummary(image, version: version)
            summary.sharedSize = usage.shared[image.id] ?? 0
            summary.containers = Int64(engine.images.containerCount(image.id))
            return try JSONValue(encoding: summary)
        }
    }

    private func containers(_ list: [ContainerDiskUsage], _ version: APIVersion) throws -> [JSONValue] {
        try list.map { usage in
            try JSONValue(
                encoding: ContainerSummary(usage.container, size: usage.size, now: .now, version: version))
        }
    }

    /// What the files would occupy if every image and container had its own copy of all layers, and what they do.
    private func sharing(
        _ images: [Image], _ store: StoreUsage, _ containers: [ContainerDiskUsage]
    ) -> JSONValue {
        let own = containers.reduce(Int64(0)) { $0 + $1.size.writable }
        let copies =
            images.reduce(Int64(0)) { $0 + $1.size } + containers.reduce(Int64(0)) { $0 + $1.size.root }
        return ["WithoutSharing": .integer(copies), "WithSharing": .integer(store.files + own)]
    }
}
