import DockerAPI
import Engine
import Glibc
import OCIModel

/// `GET /info`.
struct InfoRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.systemInfo, info)] }

    @Sendable private func info(_ request: Request, _ reply: Reply) async throws {
        try await reply.json(InfoResponse(try await engine.system.info(), version: request.version))
    }
}

extension InfoResponse {
    init(_ own: EngineInformation, version: APIVersion) {
        self.init()
        applyCounts(own)
        applyHost(own)
        applyLimits(own, version)
        registryConfig = RegistryConfig(version)
        indexServerAddress = "https://index.docker.io/v1/"
        runtimes = own.runtimes.mapValues { path in
            var runtime = RuntimeInfo()
            runtime.path = path
            return runtime
        }
        defaultRuntime = own.defaultRuntime
        swarm.localNodeState = "inactive"
        liveRestoreEnabled = true
        initBinary = own.initBinary
        containerdCommit = Commit(own, version)
        runcCommit = Commit(own, version)
        initCommit = Commit(own, version)
        securityOptions = own.securityOptions
        if version.hasDNSNames { cdiSpecDirs = [] }
        warnings = own.warnings.isEmpty ? nil : own.warnings
    }

    private mutating func applyCounts(_ own: EngineInformation) {
        id = own.id
        containers = own.containers
        containersRunning = own.running
        containersPaused = own.paused
        containersStopped = own.stopped
        images = own.images
        driver = own.storageDriver
        driverStatus = own.storageStatus.map { [$0.0, $0.1] }
        plugins.volume = own.volumeDrivers
        plugins.network = own.networkDrivers
        plugins.log = own.logDrivers
        eventListeners = own.eventListeners
        fileDescriptors = own.fileDescriptors
        threads = own.threads
    }

    private mutating func applyHost(_ own: EngineInformation) {
        debug = own.debug
        systemTime = Timestamp.now.description
        loggingDriver = own.loggingDriver
        cgroupDriver = own.cgroupDriver
        cgroupVersion = "\(own.cgroupVersion)"
        kernelVersion = own.kernelVersion
        operatingSystem = own.operatingSystem
        osVersion = own.osVersion
        osType = "linux"
        architecture = own.machine
        processors = own.processors
        memory = own.memory
        dockerRootDir = own.dataRoot
        name = own.hostname
        labels = own.labels
        experimentalBuild = own.experimental
        serverVersion = own.engineVersion
        httpProxy = Self.environment("HTTP_PROXY")
        httpsProxy = Self.environment("HTTPS_PROXY")
        noProxy = Self.environment("NO_PROXY")
    }

    /// A proxy of the environment, without the credentials that its address may hold.
    private static func environment(_ name: String) -> String {
        guard let value = getenv(name) ?? getenv(name.lowercased()) else { return "" }
        let text = String(cString: value)
        guard let at = text.lastIndex(of: "@"), let start = text.firstRange(of: "://")?.upperBound, start < at
        else {
            return text
        }
        return text[..<start] + "xxxxx:xxxxx" + text[at...]
    }

    private mutating func applyLimits(_ own: EngineInformation, _ version: APIVersion) {
        memoryLimit = own.memoryLimit
        swapLimit = own.swapLimit
        if version.hasKernelMemory { (kernelMemory, kernelMemoryTCP) = (false, false) }
        cpuCfsPeriod = own.cpuCfsPeriod
        cpuCfsQuota = own.cpuCfsQuota
        cpuShares = own.cpuShares
        cpuSet = own.cpuSet
        pidsLimit = own.pidsLimit
        oomKillDisable = own.oomKillDisable
        ipv4Forwarding = own.ipv4Forwarding
        if version.hasLegacyImageConfig {
            bridgeNfIptables = own.bridgeNetfilterIPv4
            bridgeNfIp6tables = own.bridgeNetfilterIPv6
        }
    }
}

extension RegistryConfig {
    init(_ version: APIVersion) {
        self.init()
        if version.hasExpectedCommits {
            allowNondistributableArtifactsCIDRs = []
            allowNondistributableArtifactsHostnames = []
        }
        insecureRegistryCIDRs = ["::1/128", "127.0.0.0/8"]
        var index = IndexInfo()
        (index.name, index.secure, index.official) = ("docker.io", true, true)
        indexConfigs = ["docker.io": index]
    }
}

extension Commit {
    init(_ own: EngineInformation, _ version: APIVersion) {
        self.init()
        id = own.engineVersion
        if version.hasExpectedCommits { expected = own.engineVersion }
    }
}
