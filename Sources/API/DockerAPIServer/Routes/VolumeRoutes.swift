import HTTPTransport
import DockerAPI
import Engine
import OCIModel

/// Volumes: list, inspect, create, update, remove, prune.
struct VolumeRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [
            Endpoint(.volumeList, list), Endpoint(.volumeInspect, inspect), Endpoint(.volumeCreate, create),
            Endpoint(.volumeUpdate, update), Endpoint(.volumeDelete, delete), Endpoint(.volumePrune, prune),
        ]
    }

    @Sendable private func list(_ request: Request, _ reply: Reply) async throws {
        var answer = VolumeListResponse()
        answer.volumes = try await engine.volumes.list(try request.filters()).map {
            VolumeResource($0, version: request.version)
        }
        try await reply.json(answer)
    }

    @Sendable private func inspect(_ request: Request, _ reply: Reply) async throws {
        let volume = try await engine.volumes.inspect(request.reference)
        try await reply.json(VolumeResource(volume, version: request.version))
    }

    @Sendable private func create(_ request: Request, _ reply: Reply) async throws {
        let body = try request.json(VolumeCreateRequest.self)
        guard body.clusterVolumeSpec == nil else {
            throw APIError.notBuilt("ClusterVolumeSpec: volumes of a cluster")
        }
        var wanted = VolumeRequest(name: body.name.isEmpty ? nil : body.name, labels: body.labels ?? [:])
        wanted.driver = body.driver
        wanted.options = body.driverOptions ?? [:]
        let volume = try await engine.volumes.create(wanted)
        try await reply.json(VolumeResource(volume, version: request.version), status: 201)
    }

    /// Only a cluster's volumes can be changed, as in Docker.
    @Sendable private func update(_ request: Request, _ reply: Reply) async throws {
        guard request.version >= APIVersion(1, 42) else { throw APIError(.pageNotFound, "page not found") }
        throw EngineError(
            .noCluster, "volume update only valid for cluster volumes, but swarm is unavailable")
    }

    @Sendable private func delete(_ request: Request, _ reply: Reply) async throws {
        try await engine.volumes.remove(request.reference, force: request.query.flag("force"))
        try await reply.empty()
    }

    @Sendable private func prune(_ request: Request, _ reply: Reply) async throws {
        let result = try await engine.volumes.prune(
            try request.filters(), takesNamed: request.version < APIVersion(1, 42))
        var answer = VolumePruneResponse()
        answer.volumesDeleted = result.ids
        answer.spaceReclaimed = result.reclaimed
        try await reply.json(answer)
    }
}

extension VolumeResource {
    init(_ volume: VolumeInspection, version: APIVersion) {
        self.init()
        createdAt = Timestamp(seconds: volume.created?.seconds ?? 0).description
        driver = "local"
        // The label of anonymous volumes came with 1.42.
        let labels = version < APIVersion(1, 42) ? volume.labels : volume.allLabels
        self.labels = labels.isEmpty ? nil : labels
        mountpoint = volume.mountPoint
        name = volume.name
        options = volume.options.isEmpty ? nil : volume.options
        scope = "local"
    }

    init(_ usage: VolumeUsage, version: APIVersion) {
        self.init(usage.volume, version: version)
        var data = VolumeUsageData()
        data.referenceCount = Int64(usage.links)
        data.size = usage.size
        usageData = data
    }
}
