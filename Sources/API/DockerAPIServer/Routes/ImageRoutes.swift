import HTTPTransport
import DockerAPI
import Engine
import ImageStore
import JSONCodec
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
        var filters = try request.filters()
        // Before 1.25 a pattern came in a parameter of its own.
        if let pattern = request.query["filter"], !pattern.isEmpty {
            filters.values["reference", default: []].append(pattern)
        }
        let images = try engine.images.list(all: request.query.flag("all"), filters: filters)
        let shared = request.query.flag("shared-size") ? try await engine.images.usage().shared : [:]
        var list: [JSONValue] = []
        for image in images {
            var summary = ImageSummary(image, version: request.version)
            if let size = shared[image.id] { summary.sharedSize = size }
            var value = try JSONValue(encoding: summary)
            if request.query.flag("manifests"), case .object(var object) = value {
                object["Manifests"] = [try await manifest(of: image)]
                value = .object(object)
            }
            list.append(value)
        }
        try await reply.json(JSONValue.array(list))
    }

    /// One image has one manifest here, whatever else the index listed that it came with.
    private func manifest(of image: Image) async throws -> JSONValue {
        let known = try await engine.images.manifest(of: image.id)
        let platform = image.configuration.platform
        var platformObject = JSONObject()
        platformObject["architecture"] = .string(platform.architecture)
        platformObject["os"] = .string(platform.os)
        if let variant = platform.variant { platformObject["variant"] = .string(variant) }
        let digest = (known?.digest ?? image.id).description
        return [
            "ID": .string(digest), "Available": true, "Kind": "image",
            "Descriptor": [
                "mediaType": .string(known?.mediaType ?? MediaType.ociManifest), "digest": .string(digest),
                "size": .integer(known?.size ?? 0),
            ],
            "Size": ["Total": .integer(image.size), "Content": 0],
            "ImageData": [
                "Platform": .object(platformObject),
                "Containers": .array(engine.images.containers(image.id).map { .string($0) }),
                "Size": ["Unpacked": .integer(image.size)],
            ],
        ]
    }

    @Sendable private func inspect(_ request: Request, _ reply: Reply) async throws {
        let platform = try request.platform()
        let manifests = request.query.flag("manifests")
        guard platform == nil || !manifests else {
            throw APIError.badRequest(
                "conflicting options: manifests and platform options cannot both be set")
        }
        let image = try engine.images.inspect(request.reference, platform: platform)
        var value = try JSONValue(
            encoding: ImageInspect(
                image, storageDriver: engine.images.storageDriver, version: request.version))
        if manifests, case .object(var object) = value {
            object["Manifests"] = [try await manifest(of: image)]
            value = .object(object)
        }
        try await reply.json(value)
    }

    @Sendable private func history(_ request: Request, _ reply: Reply) async throws {
        try await reply.json(
            try engine.images.history(request.reference, platform: request.platform()).map(
                ImageHistoryItem.init))
    }

    @Sendable private func tag(_ request: Request, _ reply: Reply) async throws {
        try await engine.images.tag(
            request.reference, repository: request.query["repo"] ?? "", tag: request.query["tag"])
        try await reply.empty(201)
    }

    @Sendable private func remove(_ request: Request, _ reply: Reply) async throws {
        guard !request.reference.trimmingBlanks().isEmpty else {
            throw APIError.badRequest("image name cannot be blank")
        }
        // An image is of one platform here: to remove that is to remove the image.
        for platform in try request.platforms() { try engine.images.require(platform, of: request.reference) }
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
