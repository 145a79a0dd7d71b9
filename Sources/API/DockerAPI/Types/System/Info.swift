/// The answer of `GET /info`.
package struct InfoResponse: WireType {
    @Member package var id: String = ""
    @Member package var containers: Int = 0
    @Member package var containersRunning: Int = 0
    @Member package var containersPaused: Int = 0
    @Member package var containersStopped: Int = 0
    @Member package var images: Int = 0
    @Member package var driver: String = ""
    @Member package var driverStatus: [[String]] = []
    @Member package var plugins: PluginsInfo = PluginsInfo()
    @Member package var memoryLimit: Bool = false
    @Member package var swapLimit: Bool = false
    /// Up to 1.41, as the next one.
    package var kernelMemory: Bool?
    package var kernelMemoryTCP: Bool?
    @Member package var cpuCfsPeriod: Bool = false
    @Member package var cpuCfsQuota: Bool = false
    @Member package var cpuShares: Bool = false
    @Member package var cpuSet: Bool = false
    @Member package var pidsLimit: Bool = false
    @Member package var ipv4Forwarding: Bool = false
    /// Up to 1.49, as the next one.
    package var bridgeNfIptables: Bool?
    package var bridgeNfIp6tables: Bool?
    @Member package var debug: Bool = false
    @Member package var fileDescriptors: Int = 0
    @Member package var oomKillDisable: Bool = false
    @Member package var threads: Int = 0
    @Member package var systemTime: String = ""
    @Member package var loggingDriver: String = ""
    @Member package var cgroupDriver: String = ""
    @OmitEmpty package var cgroupVersion: String = ""
    @Member package var eventListeners: Int = 0
    @Member package var kernelVersion: String = ""
    @Member package var operatingSystem: String = ""
    @Member package var osVersion: String = ""
    @Member package var osType: String = ""
    @Member package var architecture: String = ""
    @Member package var indexServerAddress: String = ""
    @Member package var registryConfig: RegistryConfig = RegistryConfig()
    @Member package var processors: Int = 0
    @Member package var memory: Int64 = 0
    @Nullable package var genericResources: [EmptyObject]?
    @Member package var dockerRootDir: String = ""
    @Member package var httpProxy: String = ""
    @Member package var httpsProxy: String = ""
    @Member package var noProxy: String = ""
    @Member package var name: String = ""
    @Member package var labels: [String] = []
    @Member package var experimentalBuild: Bool = false
    @Member package var serverVersion: String = ""
    @Member package var runtimes: [String: RuntimeInfo] = [:]
    @Member package var defaultRuntime: String = ""
    @Member package var swarm: SwarmInfo = SwarmInfo()
    @Member package var liveRestoreEnabled: Bool = false
    @Member package var isolation: String = ""
    @Member package var initBinary: String = ""
    @Member package var containerdCommit: Commit = Commit()
    @Member package var runcCommit: Commit = Commit()
    @Member package var initCommit: Commit = Commit()
    @Member package var securityOptions: [String] = []
    /// Since 1.44.
    package var cdiSpecDirs: [String]?
    @Nullable package var warnings: [String]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case containers = "Containers"
        case containersRunning = "ContainersRunning"
        case containersPaused = "ContainersPaused"
        case containersStopped = "ContainersStopped"
        case images = "Images"
        case driver = "Driver"
        case driverStatus = "DriverStatus"
        case plugins = "Plugins"
        case memoryLimit = "MemoryLimit"
        case swapLimit = "SwapLimit"
        case kernelMemory = "KernelMemory"
        case kernelMemoryTCP = "KernelMemoryTCP"
        case cpuCfsPeriod = "CpuCfsPeriod"
        case cpuCfsQuota = "CpuCfsQuota"
        case cpuShares = "CPUShares"
        case cpuSet = "CPUSet"
        case pidsLimit = "PidsLimit"
        case ipv4Forwarding = "IPv4Forwarding"
        case bridgeNfIptables = "BridgeNfIptables"
        case bridgeNfIp6tables = "BridgeNfIp6tables"
        case debug = "Debug"
        case fileDescriptors = "NFd"
        case oomKillDisable = "OomKillDisable"
        case threads = "NGoroutines"
        case systemTime = "SystemTime"
        case loggingDriver = "LoggingDriver"
        case cgroupDriver = "CgroupDriver"
        case cgroupVersion = "CgroupVersion"
        case eventListeners = "NEventsListener"
        case kernelVersion = "KernelVersion"
        case operatingSystem = "OperatingSystem"
        case osVersion = "OSVersion"
        case osType = "OSType"
        case architecture = "Architecture"
        case indexServerAddress = "IndexServerAddress"
        case registryConfig = "RegistryConfig"
        case processors = "NCPU"
        case memory = "MemTotal"
        case genericResources = "GenericResources"
        case dockerRootDir = "DockerRootDir"
        case httpProxy = "HttpProxy"
        case httpsProxy = "HttpsProxy"
        case noProxy = "NoProxy"
        case name = "Name"
        case labels = "Labels"
        case experimentalBuild = "ExperimentalBuild"
        case serverVersion = "ServerVersion"
        case runtimes = "Runtimes"
        case defaultRuntime = "DefaultRuntime"
        case swarm = "Swarm"
        case liveRestoreEnabled = "LiveRestoreEnabled"
        case isolation = "Isolation"
        case initBinary = "InitBinary"
        case containerdCommit = "ContainerdCommit"
        case runcCommit = "RuncCommit"
        case initCommit = "InitCommit"
        case securityOptions = "SecurityOptions"
        case cdiSpecDirs = "CDISpecDirs"
        case warnings = "Warnings"
    }
}

package struct PluginsInfo: WireType {
    @Member package var volume: [String] = []
    @Member package var network: [String] = []
    @Nullable package var authorization: [String]?
    @Member package var log: [String] = []

    package init() {}

    enum CodingKeys: String, CodingKey {
        case volume = "Volume"
        case network = "Network"
        case authorization = "Authorization"
        case log = "Log"
    }
}

package struct RegistryConfig: WireType {
    /// Up to 1.48, as the next one.
    package var allowNondistributableArtifactsCIDRs: [String]?
    package var allowNondistributableArtifactsHostnames: [String]?
    @Member package var insecureRegistryCIDRs: [String] = []
    @Member package var indexConfigs: [String: IndexInfo] = [:]
    @Member package var mirrors: [String] = []

    package init() {}

    enum CodingKeys: String, CodingKey {
        case allowNondistributableArtifactsCIDRs = "AllowNondistributableArtifactsCIDRs"
        case allowNondistributableArtifactsHostnames = "AllowNondistributableArtifactsHostnames"
        case insecureRegistryCIDRs = "InsecureRegistryCIDRs"
        case indexConfigs = "IndexConfigs"
        case mirrors = "Mirrors"
    }
}

package struct IndexInfo: WireType {
    @Member package var name: String = ""
    @Member package var mirrors: [String] = []
    @Member package var secure: Bool = false
    @Member package var official: Bool = false

    package init() {}

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case mirrors = "Mirrors"
        case secure = "Secure"
        case official = "Official"
    }
}

package struct RuntimeInfo: WireType {
    @Member package var path: String = ""
    package var runtimeArgs: [String]?
    /// Since 1.44.
    package var status: [String: String]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case path
        case runtimeArgs
        case status
    }
}

package struct SwarmInfo: WireType {
    @Member package var nodeID: String = ""
    @Member package var nodeAddr: String = ""
    @Member package var localNodeState: String = ""
    @Member package var controlAvailable: Bool = false
    @Member package var error: String = ""
    @Nullable package var remoteManagers: [EmptyObject]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case nodeID = "NodeID"
        case nodeAddr = "NodeAddr"
        case localNodeState = "LocalNodeState"
        case controlAvailable = "ControlAvailable"
        case error = "Error"
        case remoteManagers = "RemoteManagers"
    }
}

package struct Commit: WireType {
    @Member package var id: String = ""
    /// Up to 1.48.
    package var expected: String?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case expected = "Expected"
    }
}
