import DockerAPI

/// Known members of a create request that no code stands behind yet. One that is set is refused by its name: to
/// ignore it would run another container than the one that was asked for.
enum UnbuiltFields {
    static func check(_ request: ContainerCreateRequest) throws(APIError) {
        // Of Windows only.
        try refuse(request.config.argsEscaped, "Config.ArgsEscaped")
        if let host = request.hostConfig {
            try check(host)
            for mount in host.mounts { try check(mount) }
        }
    }

    private static func check(_ host: HostConfig) throws(APIError) {
        let unset: [(Bool, String)] = [
            (!host.cgroup.isEmpty, "HostConfig.Cgroup"),
            (!(host.deviceRequests ?? []).isEmpty, "HostConfig.DeviceRequests"),
            ((host.kernelMemory ?? 0) != 0, "HostConfig.KernelMemory"),
            ((host.kernelMemoryTCP ?? 0) != 0, "HostConfig.KernelMemoryTCP"),
            (!["", "default"].contains(host.isolation), "HostConfig.Isolation"),
            (host.cpuCount != 0, "HostConfig.CpuCount"),
            (host.cpuPercent != 0, "HostConfig.CpuPercent"),
            (host.ioMaximumIOps != 0, "HostConfig.IOMaximumIOps"),
            (host.ioMaximumBandwidth != 0, "HostConfig.IOMaximumBandwidth"),
        ]
        for (isSet, name) in unset { try refuse(isSet, name) }
    }

    private static func check(_ mount: Mount) throws(APIError) {
        try refuse(["cluster", "npipe"].contains(mount.type), "HostConfig.Mounts of type \(mount.type)")
        try refuse(mount.clusterOptions != nil, "HostConfig.Mounts.ClusterOptions")
    }

    private static func refuse(_ isSet: Bool, _ name: String) throws(APIError) {
        if isSet { throw .notBuilt(name) }
    }
}
