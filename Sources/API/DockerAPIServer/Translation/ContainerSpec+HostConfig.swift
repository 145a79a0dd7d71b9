import DockerAPI
import Engine

extension ContainerSpec {
    mutating func apply(_ host: HostConfig, _ version: APIVersion) throws {
        mounts = try MountSpec(host, version)
        security = SecuritySpec(host)
        resources = try Resources(host)
        namespaces = try NamespaceSpec(host)
        restartPolicy = try EngineRestartPolicy(host.restartPolicy)
        autoRemove = host.autoRemove
        logConfiguration = LogSettings(driver: host.logConfig.type, options: host.logConfig.config ?? [:])
        runtime = host.runtime
        guard ["", "runc", "skiff"].contains(runtime) else {
            throw APIError.badRequest("unknown or invalid runtime name: \(runtime)")
        }
        cgroupParent = host.cgroupParent
        sysctls = host.sysctls
        storageOptions = host.storageOpt
        guard (-1000...1000).contains(host.oomScoreAdj) else {
            throw APIError.badRequest(
                "Invalid value \(host.oomScoreAdj), range for oom score adj is [-1000, 1000]")
        }
        oomScoreAdjustment = host.oomScoreAdj
        usesInit = host.usesInit
        containerIDFile = host.containerIDFile
        if host.consoleSize.count == 2 {
            consoleSize = TerminalSize(
                rows: UInt16(clamping: host.consoleSize[0]), columns: UInt16(clamping: host.consoleSize[1]))
        }
    }
}

extension SecuritySpec {
    init(_ host: HostConfig) {
        self.init()
        isPrivileged = host.privileged
        capabilitiesAdded = host.capAdd ?? []
        capabilitiesDropped = host.capDrop ?? []
        options = host.securityOpt ?? []
        maskedPaths = host.maskedPaths
        readOnlyPaths = host.readonlyPaths
    }
}

extension NamespaceSpec {
    init(_ host: HostConfig) throws {
        self.init()
        func invalid(_ what: String, _ text: String) -> APIError {
            .badRequest("invalid \(what) mode: \(text)")
        }
        guard let ipc = IPCMode(host.ipcMode) else { throw invalid("IPC", host.ipcMode) }
        guard let pid = PIDMode(host.pidMode) else { throw invalid("PID", host.pidMode) }
        guard let uts = UTSMode(rawValue: host.utsMode) else { throw invalid("UTS", host.utsMode) }
        guard let user = UserNamespaceMode(rawValue: host.usernsMode) else {
            throw invalid("userns", host.usernsMode)
        }
        self.ipc = ipc
        self.pid = pid
        self.uts = uts
        self.user = user
        if !host.cgroupnsMode.isEmpty {
            guard let mode = CgroupNamespaceMode(rawValue: host.cgroupnsMode) else {
                throw invalid("cgroup namespace", host.cgroupnsMode)
            }
            cgroup = mode
        }
    }
}

extension EngineRestartPolicy {
    init(_ wire: DockerAPI.RestartPolicy) throws {
        let maximum = wire.maximumRetryCount
        if maximum < 0 || (maximum > 0 && wire.name != "on-failure") {
            throw APIError.badRequest(
                "invalid restart policy: maximum retry count "
                    + (maximum < 0 ? "cannot be negative" : "can only be used with 'on-failure'"))
        }
        switch wire.name {
        case "", "no": self = .no
        case "always": self = .always
        case "unless-stopped": self = .unlessStopped
        case "on-failure": self = .onFailure(maximum: maximum)
        default:
            throw APIError.badRequest(
                "invalid restart policy: unknown policy '\(wire.name)'; use one of 'no', 'always', 'on-failure', "
                    + "or 'unless-stopped'")
        }
    }
}
