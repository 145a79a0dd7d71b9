import DockerAPI
import Engine
import Glibc
import OCIModel
import RegistryClient

/// `GET /info`.
struct InfoRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.systemInfo, info)] }

    @Sendable private func info(_ request: Request, _ reply: Reply) async throws {
        var answer = InfoResponse(try await engine.system.info(), version: request.version)
        answer.apply(engine.registries.settings.client, request.version)
        try await reply.json(answer)
    }
}

extension InfoResponse {
    init(_ own: EngineInformation, version: APIVersion) {
        self.init()
        applyCounts(own)
        applyHost(own)
        applyLimits(own, version)
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
    }

    fileprivate mutating func apply(_ client: RegistryConfiguration, _ version: APIVersion) {
        httpProxy = Self.withoutSecrets(client.proxies.http)
        httpsProxy = Self.withoutSecrets(client.proxies.https)
        noProxy = client.proxies.none
        registryConfig = RegistryConfig(client, version)
    }

    /// The address of a proxy, without the credentials that it may hold.
    private static func withoutSecrets(_ text: String) -> String {
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
    init(_ client: RegistryConfiguration, _ version: APIVersion) {
        self.init()
        if version.hasExpectedCommits {
            allowNondistributableArtifactsCIDRs = []
            allowNondistributableArtifactsHostnames = []
        }
        insecureRegistryCIDRs = ["::1/128", "127.0.0.0/8"]
        for entry in client.insecureRegistries {
            if entry.contains("/") {
                insecureRegistryCIDRs.append(entry)
            } else {
                var index = IndexInfo()
                (index.name, index.secure) = (entry, false)
                indexConfigs[entry] = index
            }
        }
        for (domain, addresses) in client.mirrors {
            var index = indexConfigs[domain] ?? IndexInfo()
            if indexConfigs[domain] == nil { (index.name, index.secure) = (domain, true) }
            index.mirrors = addresses.map { $0.hasSuffix("/") ? $0 : $0 + "/" }
            indexConfigs[domain] = index
        }
        var index = indexConfigs[Reference.defaultDomain] ?? IndexInfo()
        (index.name, index.secure, index.official) = (Reference.defaultDomain, true, true)
        indexConfigs[Reference.defaultDomain] = index
        mirrors = index.mirrors
    }
}

extension Commit {
    init(_ own: EngineInformation, _ version: APIVersion) {
        self.init()
        id = own.engineVersion
        if version.hasExpectedCommits { expected = own.engineVersion }
    }
}
