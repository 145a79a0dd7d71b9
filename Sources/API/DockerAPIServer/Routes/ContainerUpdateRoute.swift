import DockerAPI
import Engine

/// `POST /containers/{id}/update` and `POST /containers/prune`.
struct ContainerUpdateRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [Endpoint(.containerUpdate, update), Endpoint(.containerPrune, prune)]
    }

    @Sendable private func update(_ request: Request, _ reply: Reply) async throws {
        let body = try request.json(ContainerUpdateRequest.self)
        try Self.refuseTheRest(body.host)
        let change = ContainerUpdate(
            resources: try Resources(body.host),
            restartPolicy: body.setsRestartPolicy ? try EngineRestartPolicy(body.host.restartPolicy) : nil)
        var answer = ContainerUpdateResponse()
        let warnings = try await engine.containers.update(request.reference, change)
        answer.warnings = warnings.isEmpty ? nil : warnings
        try await reply.json(answer)
    }

    /// Docker ignores what cannot be updated; a client that sends it is told instead.
    private static func refuseTheRest(_ host: HostConfig) throws(APIError) {
        func isSet<T>(_ list: [T]?) -> Bool { !(list ?? []).isEmpty }
        let unset: [(Bool, String)] = [
            (isSet(host.blkioWeightDevice), "BlkioWeightDevice"),
            (isSet(host.blkioDeviceReadBps), "BlkioDeviceReadBps"),
            (isSet(host.blkioDeviceWriteBps), "BlkioDeviceWriteBps"),
            (isSet(host.blkioDeviceReadIOps), "BlkioDeviceReadIOps"),
            (isSet(host.blkioDeviceWriteIOps), "BlkioDeviceWriteIOps"),
            (isSet(host.devices), "Devices"), (isSet(host.deviceCgroupRules), "DeviceCgroupRules"),
            (isSet(host.deviceRequests), "DeviceRequests"), (isSet(host.ulimits), "Ulimits"),
            (!host.cgroupParent.isEmpty, "CgroupParent"),
            (host.memorySwappiness.map { $0 != -1 } ?? false, "MemorySwappiness"),
            (host.oomKillDisable ?? false, "OomKillDisable"),
            ((host.kernelMemory ?? 0) != 0, "KernelMemory"),
            ((host.kernelMemoryTCP ?? 0) != 0, "KernelMemoryTCP"),
            (host.cpuCount != 0, "CpuCount"), (host.cpuPercent != 0, "CpuPercent"),
            (host.ioMaximumIOps != 0, "IOMaximumIOps"), (host.ioMaximumBandwidth != 0, "IOMaximumBandwidth"),
        ]
        for (isSet, name) in unset where isSet {
            throw .badRequest("\(name) of a container that exists cannot be updated: create it anew")
        }
    }

    @Sendable private func prune(_ request: Request, _ reply: Reply) async throws {
        var filters = try request.filters()
        let until = try TimeText.parseFilter(filters["until"].first, name: "until")
        guard filters["until"].count < 2 else {
            throw APIError.badRequest("more than one until filter specified")
        }
        filters.values["until"] = nil
        let result = try await engine.containers.prune(filters, until: until)
        var answer = ContainerPruneResponse()
        answer.containersDeleted = result.ids.isEmpty ? nil : result.ids
        answer.spaceReclaimed = UInt64(clamping: result.reclaimed)
        try await reply.json(answer)
    }
}
