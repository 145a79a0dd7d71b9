import DockerAPI
import Engine

extension ContainerSpec {
    /// What a create request asks for, as the engine understands it.
    /// - Throws: `APIError`, `EngineError`, naming the member
    init(_ request: ContainerCreateRequest, version: APIVersion, platform: String) throws {
        let config = request.config
        let host = VersionedDefaults.adapt(request.hostConfig ?? HostConfig(), version)
        try UnbuiltFields.check(request)
        self.init(image: config.image)
        self.platform = platform
        process = try ProcessSpec(config, host)
        streams = StreamSpec(config)
        labels = config.labels ?? [:]
        annotations = host.annotations
        anonymousVolumes = (config.volumes ?? [:]).keys.sorted()
        exposedPorts = try Self.exposedPorts(config, host)
        healthcheck = config.healthcheck.map(Healthcheck.init)
        stopSignal = config.stopSignal
        stopTimeout = config.stopTimeout
        shell = config.shell ?? []
        onBuild = config.onBuild ?? []
        network = try NetworkSpec(request, host, version: version)
        try apply(host, version)
    }

    private static func exposedPorts(_ config: ContainerConfig, _ host: HostConfig) throws -> [ContainerPort]
    {
        let texts = (config.exposedPorts ?? [:]).keys.sorted() + (host.portBindings ?? [:]).keys.sorted()
        var ports: Set<ContainerPort> = []
        for text in texts { ports.insert(try containerPort(text)) }
        return ports.sorted()
    }

    static func containerPort(_ text: String) throws -> ContainerPort {
        guard let port = ContainerPort(text) else {
            throw APIError.badRequest("invalid port specification: \"\(text)\"")
        }
        return port
    }
}

extension ProcessSpec {
    init(_ config: ContainerConfig, _ host: HostConfig) throws {
        self.init()
        // No words at all mean the image's; one empty word means none.
        command = config.cmd.flatMap { $0.arguments.isEmpty ? nil : $0.arguments }
        entrypoint = config.entrypoint.flatMap { $0.arguments.isEmpty ? nil : $0.arguments }
        environment = config.env ?? []
        for entry in environment where entry.isEmpty || entry.hasPrefix("=") {
            throw APIError.badRequest("invalid environment variable: \(entry)")
        }
        user = config.user
        additionalGroups = host.groupAdd ?? []
        workingDirectory = config.workingDir
        terminal = config.tty
    }
}

extension StreamSpec {
    init(_ config: ContainerConfig) {
        self.init()
        standardInput = config.openStdin ? (config.stdinOnce ? .once : .open) : .closed
        attachStandardInput = config.attachStdin
        attachStandardOutput = config.attachStdout
        attachStandardError = config.attachStderr
    }
}

extension Healthcheck {
    init(_ wire: HealthConfig) {
        self.init()
        test = wire.test
        interval = wire.interval
        timeout = wire.timeout
        startPeriod = wire.startPeriod
        startInterval = wire.startInterval
        retries = wire.retries
    }
}

extension NetworkSpec {
    init(_ request: ContainerCreateRequest, _ host: HostConfig, version: APIVersion) throws {
        self.init()
        let config = request.config
        guard let mode = NetworkMode(host.networkMode) else {
            throw APIError.badRequest(
                "Invalid network mode: invalid container format container:<name|id>")
        }
        self.mode = mode
        hostname = config.hostname
        domainname = config.domainname
        publishedPorts = try Self.publications(host.portBindings ?? [:])
        publishAll = host.publishAllPorts
        extraHosts = host.extraHosts ?? []
        dns.servers = host.dns ?? []
        dns.options = host.dnsOptions ?? []
        dns.search = host.dnsSearch ?? []
        links = host.links ?? []
        macAddress = config.macAddress
        isDisabled = config.networkDisabled
        endpoints = (request.networkingConfig?.endpointsConfig ?? [:]).sorted { $0.key < $1.key }.map {
            entry in
            NetworkConnection(name: entry.key, entry.value ?? EndpointSettings(), version: version)
        }
        if macAddress.isEmpty, let own = endpoints.first(where: { !$0.macAddress.isEmpty }) {
            macAddress = own.macAddress
        }
    }

    static func publications(_ wire: [String: [PortBinding]?]) throws -> [PortPublication] {
        var publications: [PortPublication] = []
        for (text, bindings) in wire.sorted(by: { $0.key < $1.key }) {
            guard let bindings, !bindings.isEmpty else { continue }
            publications.append(
                PortPublication(
                    port: try ContainerSpec.containerPort(text), bindings: try bindings.map(HostBinding.init))
            )
        }
        return publications
    }
}

extension HostBinding {
    init(_ wire: PortBinding) throws {
        guard let binding = HostBinding(address: wire.hostIp, portText: wire.hostPort) else {
            throw APIError.badRequest("invalid port specification: \"\(wire.hostPort)\"")
        }
        self = binding
    }
}

extension NetworkConnection {
    /// - Parameter version: `GwPriority` is a member since 1.48
    init(name: String, _ wire: EndpointSettings, version: APIVersion) {
        self.init(network: name)
        aliases = wire.aliases ?? []
        ipv4Address = wire.ipamConfig?.ipv4Address ?? ""
        ipv6Address = wire.ipamConfig?.ipv6Address ?? ""
        linkLocalAddresses = wire.ipamConfig?.linkLocalIPs ?? []
        statesAddresses = wire.ipamConfig != nil
        statesDriverOptions = wire.driverOpts != nil
        macAddress = wire.macAddress
        links = wire.links ?? []
        driverOptions = wire.driverOpts ?? [:]
        if version.hasDescriptors { gatewayPriority = wire.gwPriority ?? 0 }
    }
}
