import DockerAPI
import Engine

extension HostConfig {
    /// A container's `HostConfig` as `inspect` shows it.
    init(_ spec: ContainerSpec, logDriver: String, version: APIVersion) {
        self.init()
        applyMounts(spec)
        applyNetwork(spec.network)
        applyNamespaces(spec)
        apply(spec.resources, version)
        containerIDFile = spec.containerIDFile
        logConfig.type = logDriver
        logConfig.config = spec.logConfiguration.options
        restartPolicy.name = spec.restartPolicy.name
        restartPolicy.maximumRetryCount = spec.restartPolicy.maximumRetryCount
        autoRemove = spec.autoRemove
        consoleSize = [UInt32(spec.consoleSize.rows), UInt32(spec.consoleSize.columns)]
        annotations = spec.annotations
        runtime = spec.runtime.isEmpty ? "runc" : spec.runtime
        cgroupParent = spec.cgroupParent
        sysctls = spec.sysctls
        oomScoreAdj = spec.oomScoreAdjustment
        usesInit = spec.usesInit
        storageOpt = spec.storageOptions
        groupAdd = Self.orNull(spec.process.additionalGroups)
    }

    private static func orNull<T>(_ list: [T]) -> [T]? { list.isEmpty ? nil : list }

    private mutating func applyMounts(_ spec: ContainerSpec) {
        binds = Self.orNull(spec.mounts.binds.map(\.text))
        mounts = spec.mounts.requests.map(Mount.init)
        tmpfs = spec.mounts.tmpfs
        shmSize = spec.mounts.shmSize
        readonlyRootfs = spec.mounts.readOnlyRoot
        volumeDriver = spec.mounts.volumeDriver
        volumesFrom = Self.orNull(spec.mounts.volumesFrom)
    }

    private mutating func applyNetwork(_ network: NetworkSpec) {
        networkMode = network.mode.text
        portBindings = [:]
        for publication in network.publishedPorts {
            portBindings?[publication.port.text] = publication.bindings.map(PortBinding.init)
        }
        publishAllPorts = network.publishAll
        dns = network.dns.servers
        dnsOptions = network.dns.options
        dnsSearch = network.dns.search
        extraHosts = Self.orNull(network.extraHosts)
        links = Self.orNull(network.links)
    }

    private mutating func applyNamespaces(_ spec: ContainerSpec) {
        capAdd = Self.orNull(spec.security.capabilitiesAdded)
        capDrop = Self.orNull(spec.security.capabilitiesDropped)
        securityOpt = Self.securityOptions(spec)
        privileged = spec.security.isPrivileged
        maskedPaths = spec.security.maskedPaths
        readonlyPaths = spec.security.readOnlyPaths
        cgroupnsMode = spec.namespaces.cgroup?.rawValue ?? ""
        ipcMode = spec.namespaces.ipc.text
        pidMode = spec.namespaces.pid.text
        utsMode = spec.namespaces.uts.rawValue
        usernsMode = spec.namespaces.user.rawValue
    }

    /// Docker turns labels off for what shares the host's processes or IPC, unless the request says otherwise.
    private static func securityOptions(_ spec: ContainerSpec) -> [String]? {
        let sharesHost =
            spec.namespaces.ipc == .host || spec.namespaces.pid == .host || spec.security.isPrivileged
        if spec.security.options.isEmpty && sharesHost { return ["label=disable"] }
        return orNull(spec.security.options)
    }

    private mutating func apply(_ resources: Resources, _ version: APIVersion) {
        cpuShares = resources.cpuShares
        memory = resources.memory
        nanoCpus = resources.nanoCPUs
        blkioWeight = resources.blkioWeight
        blkioWeightDevice = resources.blkioWeightDevices.map { device in
            var wire = DockerAPI.WeightDevice()
            (wire.path, wire.weight) = (device.path, device.weight)
            return wire
        }
        blkioDeviceReadBps = Self.throttles(resources.deviceReadBps)
        blkioDeviceWriteBps = Self.throttles(resources.deviceWriteBps)
        blkioDeviceReadIOps = Self.throttles(resources.deviceReadIOps)
        blkioDeviceWriteIOps = Self.throttles(resources.deviceWriteIOps)
        cpuPeriod = resources.cpuPeriod
        cpuQuota = resources.cpuQuota
        cpuRealtimePeriod = resources.cpuRealtimePeriod
        cpuRealtimeRuntime = resources.cpuRealtimeRuntime
        cpusetCpus = resources.cpusetCPUs
        cpusetMems = resources.cpusetMems
        devices = resources.devices.map(DockerAPI.DeviceMapping.init)
        deviceCgroupRules = Self.orNull(resources.deviceCgroupRules)
        if version.hasKernelMemory { (kernelMemory, kernelMemoryTCP) = (resources.kernelMemory, 0) }
        memoryReservation = resources.memoryReservation
        memorySwap = resources.memorySwap
        memorySwappiness = resources.memorySwappiness
        oomKillDisable = resources.oomKillDisable
        pidsLimit = resources.pidsLimit.flatMap { $0 == 0 ? nil : $0 }
        ulimits = resources.ulimits.map(DockerAPI.Ulimit.init)
    }

    private static func throttles(_ devices: [EngineThrottleDevice]) -> [DockerAPI.ThrottleDevice] {
        devices.map { device in
            var wire = DockerAPI.ThrottleDevice()
            (wire.path, wire.rate) = (device.path, device.rate)
            return wire
        }
    }
}

extension PortBinding {
    init(_ binding: HostBinding) {
        self.init()
        (hostIp, hostPort) = (binding.address, binding.portText)
    }

    init(_ binding: PortBindingState) {
        self.init()
        (hostIp, hostPort) = (binding.address, "\(binding.port)")
    }
}

extension DockerAPI.DeviceMapping {
    init(_ device: EngineDeviceMapping) {
        self.init()
        pathOnHost = device.hostPath
        pathInContainer = device.containerPath
        cgroupPermissions = device.permissions
    }
}

extension DockerAPI.Ulimit {
    init(_ ulimit: EngineUlimit) {
        self.init()
        (name, soft, hard) = (ulimit.name, ulimit.soft, ulimit.hard)
    }
}
