import ImageStore

/// What `info` tells. Names are those of Docker's `SystemInfo` where it has them.
package struct EngineInformation: Sendable {
    /// Stable over restarts.
    package var id = ""
    package var containers = 0
    package var running = 0
    package var paused = 0
    package var stopped = 0
    package var images = 0
    package var storageDriver = "overlay2"
    package var storageStatus: [(String, String)] = []
    package var memoryLimit = false
    package var swapLimit = false
    package var cpuCfsPeriod = false
    package var cpuCfsQuota = false
    package var cpuShares = false
    package var cpuSet = false
    package var pidsLimit = false
    package var oomKillDisable = false
    package var ipv4Forwarding = false
    package var bridgeNetfilterIPv4 = false
    package var bridgeNetfilterIPv6 = false
    package var debug = false
    package var fileDescriptors = 0
    package var threads = 0
    package var loggingDriver = ""
    /// `cgroupfs` or `systemd`.
    package var cgroupDriver = "cgroupfs"
    /// 1 or 2.
    package var cgroupVersion = 1
    package var eventListeners = 0
    package var kernelVersion = ""
    /// `Debian GNU/Linux 12 (bookworm)`.
    package var operatingSystem = ""
    package var osVersion = ""
    /// As `uname -m`: `x86_64`.
    package var machine = ""
    package var processors = 0
    /// Bytes.
    package var memory: Int64 = 0
    package var dataRoot = ""
    package var hostname = ""
    package var labels: [String] = []
    package var experimental = false
    package var engineVersion = ""
    /// Name to path.
    package var runtimes: [String: String] = [:]
    package var defaultRuntime = "runc"
    package var initBinary = "docker-init"
    package var securityOptions: [String] = []
    package var logDrivers: [String] = []
    package var networkDrivers: [String] = []
    package var volumeDrivers: [String] = []
    package var warnings: [String] = []
}

extension EngineInformation {
    /// Blocks for a few file reads.
    init(_ parts: EngineParts, id: String) throws {
        self.id = id
        count(parts)
        images = try parts.images.list().count
        storageDriver = parts.images.driver.rawValue
        storageStatus = [("Backing Filesystem", FileSystemName.name(of: parts.configuration.dataRoot))]
        if parts.images.driver == .overlay2 {
            storageStatus += [
                ("Supports d_type", "true"), ("Using metacopy", "false"), ("Native Overlay Diff", "true"),
                ("userxattr", "false"),
            ]
        }
        let features = parts.features
        memoryLimit = features.memoryLimit
        swapLimit = features.swapLimit
        cpuCfsPeriod = features.cpuQuota
        cpuCfsQuota = features.cpuQuota
        cpuShares = features.cpuShares
        cpuSet = features.cpuset
        pidsLimit = features.pidsLimit
        oomKillDisable = features.oomKillDisable
        ipv4Forwarding = HostFeatures.line("/proc/sys/net/ipv4/ip_forward") == "1"
        bridgeNetfilterIPv4 = features.bridgeNetfilterIPv4
        bridgeNetfilterIPv6 = features.bridgeNetfilterIPv6
        cgroupVersion = features.cgroupVersion
        processors = features.processors
        debug = parts.configuration.isDebug
        fileDescriptors = HostInformation.openFiles
        threads = HostInformation.threads
        eventListeners = parts.events.listenerCount
        describeHost()
        describe(parts.configuration, features)
    }

    private mutating func count(_ parts: EngineParts) {
        for container in parts.registry.all {
            containers += 1
            switch container.state {
            case .running: running += 1
            case .paused: paused += 1
            default: stopped += 1
            }
        }
    }

    private mutating func describeHost() {
        let release = HostInformation.release
        kernelVersion = HostInformation.kernelVersion
        operatingSystem = release["PRETTY_NAME"] ?? "Linux"
        osVersion = release["VERSION_ID"] ?? ""
        machine = HostInformation.machine
        memory = HostInformation.memory
        hostname = HostInformation.hostname
    }

    private mutating func describe(_ configuration: EngineConfiguration, _ features: HostFeatures) {
        cgroupDriver = (configuration.cgroupDriver ?? .cgroupfs).rawValue
        loggingDriver = configuration.logDefaults.driver
        dataRoot = configuration.dataRoot
        labels = configuration.labels
        experimental = configuration.isExperimental
        engineVersion = configuration.versions.engine
        runtimes = [
            "runc": "skiff-runtime", "io.containerd.runc.v2": "skiff-runtime", "skiff": "skiff-runtime",
        ]
        if !features.apparmorProfile.isEmpty { securityOptions.append("name=apparmor") }
        if features.hasSeccomp {
            let profile = configuration.seccompProfilePath
            securityOptions.append("name=seccomp,profile=\(profile.isEmpty ? "default" : profile)")
        }
        if features.cgroupVersion == 2 { securityOptions.append("name=cgroupns") }
        logDrivers = ["json-file", "none"]
        networkDrivers = ["bridge", "host", "null"]
        volumeDrivers = ["local"]
        let missing: [(Bool, String)] = [
            (features.memoryLimit, "No memory limit support"), (features.swapLimit, "No swap limit support"),
            (features.cpuShares, "No cpu shares support"), (features.cpuset, "No cpuset support"),
            (ipv4Forwarding, "IPv4 forwarding is disabled"),
        ]
        warnings = missing.filter { !$0.0 }.map { "WARNING: \($0.1)" }
    }
}
