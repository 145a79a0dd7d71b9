/// `HostConfig`: what of a container depends on the host, and its resources.
package struct HostConfig: WireType {
    @Nullable package var binds: [String]?
    @Member package var containerIDFile: String = ""
    @Member package var logConfig: LogConfig = LogConfig()
    @Member package var networkMode: String = ""
    /// Keys as `80/tcp`.
    @Nullable package var portBindings: [String: [PortBinding]?]?
    @Member package var restartPolicy: RestartPolicy = RestartPolicy()
    @Member package var autoRemove: Bool = false
    @Member package var volumeDriver: String = ""
    @Nullable package var volumesFrom: [String]?
    /// Height and width.
    @Member package var consoleSize: [UInt32] = [0, 0]
    @OmitEmpty package var annotations: [String: String] = [:]
    @Nullable package var capAdd: [String]?
    @Nullable package var capDrop: [String]?
    @Member package var cgroupnsMode: String = ""
    @Nullable package var dns: [String]?
    @Nullable package var dnsOptions: [String]?
    @Nullable package var dnsSearch: [String]?
    @Nullable package var extraHosts: [String]?
    @Nullable package var groupAdd: [String]?
    @Member package var ipcMode: String = ""
    @Member package var cgroup: String = ""
    @Nullable package var links: [String]?
    @Member package var oomScoreAdj: Int = 0
    @Member package var pidMode: String = ""
    @Member package var privileged: Bool = false
    @Member package var publishAllPorts: Bool = false
    @Member package var readonlyRootfs: Bool = false
    @Nullable package var securityOpt: [String]?
    @OmitEmpty package var storageOpt: [String: String] = [:]
    @OmitEmpty package var tmpfs: [String: String] = [:]
    @Member package var utsMode: String = ""
    @Member package var usernsMode: String = ""
    @Member package var shmSize: Int64 = 0
    @OmitEmpty package var sysctls: [String: String] = [:]
    @OmitEmpty package var runtime: String = ""
    /// Windows only, as the members that begin with `Cpu` and `IOMaximum` at the end of the resources.
    @Member package var isolation: String = ""
    @Member package var cpuShares: Int64 = 0
    @Member package var memory: Int64 = 0
    @Member package var nanoCpus: Int64 = 0
    @Member package var cgroupParent: String = ""
    @Member package var blkioWeight: UInt16 = 0
    @Nullable package var blkioWeightDevice: [WeightDevice]?
    @Nullable package var blkioDeviceReadBps: [ThrottleDevice]?
    @Nullable package var blkioDeviceWriteBps: [ThrottleDevice]?
    @Nullable package var blkioDeviceReadIOps: [ThrottleDevice]?
    @Nullable package var blkioDeviceWriteIOps: [ThrottleDevice]?
    @Member package var cpuPeriod: Int64 = 0
    @Member package var cpuQuota: Int64 = 0
    @Member package var cpuRealtimePeriod: Int64 = 0
    @Member package var cpuRealtimeRuntime: Int64 = 0
    @Member package var cpusetCpus: String = ""
    @Member package var cpusetMems: String = ""
    @Nullable package var devices: [DeviceMapping]?
    @Nullable package var deviceCgroupRules: [String]?
    @Nullable package var deviceRequests: [DeviceRequest]?
    /// Written up to API 1.41, as the next one.
    package var kernelMemory: Int64?
    package var kernelMemoryTCP: Int64?
    @Member package var memoryReservation: Int64 = 0
    @Member package var memorySwap: Int64 = 0
    @Nullable package var memorySwappiness: Int64?
    @Nullable package var oomKillDisable: Bool?
    @Nullable package var pidsLimit: Int64?
    @Nullable package var ulimits: [Ulimit]?
    @Member package var cpuCount: Int64 = 0
    @Member package var cpuPercent: Int64 = 0
    @Member package var ioMaximumIOps: UInt64 = 0
    @Member package var ioMaximumBandwidth: UInt64 = 0
    @OmitEmpty package var mounts: [Mount] = []
    @Nullable package var maskedPaths: [String]?
    @Nullable package var readonlyPaths: [String]?
    package var usesInit: Bool?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case binds = "Binds"
        case containerIDFile = "ContainerIDFile"
        case logConfig = "LogConfig"
        case networkMode = "NetworkMode"
        case portBindings = "PortBindings"
        case restartPolicy = "RestartPolicy"
        case autoRemove = "AutoRemove"
        case volumeDriver = "VolumeDriver"
        case volumesFrom = "VolumesFrom"
        case consoleSize = "ConsoleSize"
        case annotations = "Annotations"
        case capAdd = "CapAdd"
        case capDrop = "CapDrop"
        case cgroupnsMode = "CgroupnsMode"
        case dns = "Dns"
        case dnsOptions = "DnsOptions"
        case dnsSearch = "DnsSearch"
        case extraHosts = "ExtraHosts"
        case groupAdd = "GroupAdd"
        case ipcMode = "IpcMode"
        case cgroup = "Cgroup"
        case links = "Links"
        case oomScoreAdj = "OomScoreAdj"
        case pidMode = "PidMode"
        case privileged = "Privileged"
        case publishAllPorts = "PublishAllPorts"
        case readonlyRootfs = "ReadonlyRootfs"
        case securityOpt = "SecurityOpt"
        case storageOpt = "StorageOpt"
        case tmpfs = "Tmpfs"
        case utsMode = "UTSMode"
        case usernsMode = "UsernsMode"
        case shmSize = "ShmSize"
        case sysctls = "Sysctls"
        case runtime = "Runtime"
        case isolation = "Isolation"
        case cpuShares = "CpuShares"
        case memory = "Memory"
        case nanoCpus = "NanoCpus"
        case cgroupParent = "CgroupParent"
        case blkioWeight = "BlkioWeight"
        case blkioWeightDevice = "BlkioWeightDevice"
        case blkioDeviceReadBps = "BlkioDeviceReadBps"
        case blkioDeviceWriteBps = "BlkioDeviceWriteBps"
        case blkioDeviceReadIOps = "BlkioDeviceReadIOps"
        case blkioDeviceWriteIOps = "BlkioDeviceWriteIOps"
        case cpuPeriod = "CpuPeriod"
        case cpuQuota = "CpuQuota"
        case cpuRealtimePeriod = "CpuRealtimePeriod"
        case cpuRealtimeRuntime = "CpuRealtimeRuntime"
        case cpusetCpus = "CpusetCpus"
        case cpusetMems = "CpusetMems"
        case devices = "Devices"
        case deviceCgroupRules = "DeviceCgroupRules"
        case deviceRequests = "DeviceRequests"
        case kernelMemory = "KernelMemory"
        case kernelMemoryTCP = "KernelMemoryTCP"
        case memoryReservation = "MemoryReservation"
        case memorySwap = "MemorySwap"
        case memorySwappiness = "MemorySwappiness"
        case oomKillDisable = "OomKillDisable"
        case pidsLimit = "PidsLimit"
        case ulimits = "Ulimits"
        case cpuCount = "CpuCount"
        case cpuPercent = "CpuPercent"
        case ioMaximumIOps = "IOMaximumIOps"
        case ioMaximumBandwidth = "IOMaximumBandwidth"
        case mounts = "Mounts"
        case maskedPaths = "MaskedPaths"
        case readonlyPaths = "ReadonlyPaths"
        case usesInit = "Init"
    }
}
