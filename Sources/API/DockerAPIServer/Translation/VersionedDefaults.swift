import DockerAPI

/// What a request of an older version means by leaving something out.
enum VersionedDefaults {
    static func adapt(_ host: HostConfig, _ version: APIVersion) -> HostConfig {
        var host = host
        if version < APIVersion(1, 40), host.ipcMode.isEmpty { host.ipcMode = "shareable" }
        if version < APIVersion(1, 41), host.cgroupnsMode.isEmpty { host.cgroupnsMode = "host" }
        if version < APIVersion(1, 42) { host.consoleSize = [0, 0] }
        if version < APIVersion(1, 43) { host.annotations = [:] }
        if version < APIVersion(1, 44) {
            // Read-only mounts were not recursive then.
            for index in host.mounts.indices
            where host.mounts[index].type == "bind" && host.mounts[index].readOnly {
                var options = host.mounts[index].bindOptions ?? BindOptions()
                options.readOnlyNonRecursive = true
                host.mounts[index].bindOptions = options
            }
        }
        return host
    }
}
