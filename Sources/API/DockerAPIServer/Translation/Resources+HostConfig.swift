import DockerAPI
import Engine

extension Resources {
    init(_ host: HostConfig) throws {
        self.init()
        memory = host.memory
        memorySwap = host.memorySwap
        memoryReservation = host.memoryReservation
        memorySwappiness = host.memorySwappiness.flatMap { $0 == -1 ? nil : $0 }
        oomKillDisable = host.oomKillDisable
        nanoCPUs = host.nanoCpus
        cpuShares = host.cpuShares
        cpuPeriod = host.cpuPeriod
        cpuQuota = host.cpuQuota
        cpuRealtimePeriod = host.cpuRealtimePeriod
        cpuRealtimeRuntime = host.cpuRealtimeRuntime
        cpusetCPUs = host.cpusetCpus
        cpusetMems = host.cpusetMems
        pidsLimit = host.pidsLimit
        blkioWeight = host.blkioWeight
        blkioWeightDevices = (host.blkioWeightDevice ?? []).map { .init(path: $0.path, weight: $0.weight) }
        deviceReadBps = Self.throttles(host.blkioDeviceReadBps)
        deviceWriteBps = Self.throttles(host.blkioDeviceWriteBps)
        deviceReadIOps = Self.throttles(host.blkioDeviceReadIOps)
        deviceWriteIOps = Self.throttles(host.blkioDeviceWriteIOps)
        devices = try (host.devices ?? []).map(EngineDeviceMapping.init)
        deviceCgroupRules = host.deviceCgroupRules ?? []
        ulimits = (host.ulimits ?? []).map { .init(name: $0.name, soft: $0.soft, hard: $0.hard) }
    }

    private static func throttles(_ wire: [DockerAPI.ThrottleDevice]?) -> [EngineThrottleDevice] {
        (wire ?? []).map { .init(path: $0.path, rate: $0.rate) }
    }
}

extension EngineDeviceMapping {
    init(_ wire: DockerAPI.DeviceMapping) throws {
        let permissions = wire.cgroupPermissions.isEmpty ? "rwm" : wire.cgroupPermissions
        guard permissions.utf8.allSatisfy({ "rwm".utf8.contains($0) }) else {
            throw APIError.badRequest("invalid device mode: \(permissions)")
        }
        self.init(
            hostPath: wire.pathOnHost,
            containerPath: wire.pathInContainer.isEmpty ? wire.pathOnHost : wire.pathInContainer,
            permissions: permissions)
    }
}
