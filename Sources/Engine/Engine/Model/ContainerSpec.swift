/// Everything that `docker create` can ask for and this engine does. What it cannot do has no field here: the edge
/// refuses it by name. After `create` it is completed from the image, as Docker's `Config` is.
package struct ContainerSpec: Sendable, Hashable, Codable {
    /// The image as the user named it.
    package var image: String
    /// `os/arch[/variant]`; empty for the host's.
    package var platform = ""
    package var process = ProcessSpec()
    package var streams = StreamSpec()
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    /// `Config.Volumes`: targets that get an anonymous volume.
    package var anonymousVolumes: [String] = []
    package var exposedPorts: [ContainerPort] = []
    package var healthcheck: Healthcheck?
    /// As sent: `SIGQUIT`, `QUIT`, `3`; empty for the image's or SIGTERM.
    package var stopSignal = ""
    /// Seconds; nil for the daemon's, -1 for ever.
    package var stopTimeout: Int?
    /// `Config.Shell` and `Config.OnBuild`: images' business, shown by inspect.
    package var shell: [String] = []
    package var onBuild: [String] = []

    package var network = NetworkSpec()
    package var mounts = MountSpec()
    package var security = SecuritySpec()
    package var resources = Resources()
    package var namespaces = NamespaceSpec()
    package var restartPolicy = RestartPolicy.no
    package var autoRemove = false
    /// Empty for the daemon's default.
    package var logConfiguration = LogSettings(driver: "", options: [:])
    /// Empty for the daemon's default.
    package var runtime = ""
    package var cgroupParent = ""
    package var sysctls: [String: String] = [:]
    package var oomScoreAdjustment = 0
    package var usesInit: Bool?
    package var storageOptions: [String: String] = [:]
    /// Rows and columns of the terminal at start; 0 where not known.
    package var consoleSize = TerminalSize(rows: 0, columns: 0)
    /// `--cidfile`, shown by inspect.
    package var containerIDFile = ""

    package init(image: String) { self.image = image }
}

package struct ProcessSpec: Sendable, Hashable, Codable {
    /// nil for the image's.
    package var command: [String]?
    /// nil for the image's; empty (or one empty string) for none.
    package var entrypoint: [String]?
    /// `NAME=value`; `NAME` alone removes it.
    package var environment: [String] = []
    /// `user[:group]` by name or number; empty for the image's.
    package var user = ""
    package var additionalGroups: [String] = []
    package var workingDirectory = ""
    package var terminal = false

    package init() {}
}

package struct StreamSpec: Sendable, Hashable, Codable {
    package var standardInput = StandardInput.closed
    package var attachStandardInput = false
    package var attachStandardOutput = false
    package var attachStandardError = false

    package init() {}
}

package struct NetworkSpec: Sendable, Hashable, Codable {
    package var mode = NetworkMode.standard
    package var hostname = ""
    package var domainname = ""
    package var publishedPorts: [PortPublication] = []
    package var publishAll = false
    /// `name:address`; the address may be `host-gateway`.
    package var extraHosts: [String] = []
    package var dns = DNSConfiguration()
    /// `container[:alias]`.
    package var links: [String] = []
    package var macAddress = ""
    package var isDisabled = false
    /// `NetworkingConfig.EndpointsConfig`; after `create` every network that the container is on, in the order of its
    /// interfaces. Empty for one that shares another container's.
    package var endpoints: [NetworkConnection] = []

    package init() {}
}

/// What a container asks of one network.
package struct NetworkConnection: Sendable, Hashable, Codable {
    package var network: String
    package var aliases: [String] = []
    package var ipv4Address = ""
    package var ipv6Address = ""
    package var macAddress = ""
    package var links: [String] = []
    package var driverOptions: [String: String] = [:]
    package var linkLocalAddresses: [String] = []
    /// Whether addresses and options were members of the request, empty or not, as inspections show them.
    package var statesAddresses = false
    package var statesDriverOptions = false
    /// The default route goes by the network with the highest.
    package var gatewayPriority = 0

    package init(network: String) { self.network = network }

    /// Members that records of earlier versions do not have are as they were then.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        network = try container.decode(String.self, forKey: .network)
        aliases = try container.decode([String].self, forKey: .aliases)
        ipv4Address = try container.decode(String.self, forKey: .ipv4Address)
        ipv6Address = try container.decode(String.self, forKey: .ipv6Address)
        macAddress = try container.decode(String.self, forKey: .macAddress)
        links = try container.decode([String].self, forKey: .links)
        driverOptions = try container.decode([String: String].self, forKey: .driverOptions)
        linkLocalAddresses = try container.decodeIfPresent([String].self, forKey: .linkLocalAddresses) ?? []
        statesAddresses = try container.decodeIfPresent(Bool.self, forKey: .statesAddresses) ?? false
        statesDriverOptions = try container.decodeIfPresent(Bool.self, forKey: .statesDriverOptions) ?? false
        gatewayPriority = try container.decodeIfPresent(Int.self, forKey: .gatewayPriority) ?? 0
    }
}

package struct MountSpec: Sendable, Hashable, Codable {
    package var binds: [BindText] = []
    package var requests: [MountRequest] = []
    /// Target to mount options, as `size=64m,mode=1770`.
    package var tmpfs: [String: String] = [:]
    /// Bytes; 0 for the daemon's default.
    package var shmSize: Int64 = 0
    package var readOnlyRoot = false
    package var volumeDriver = ""
    /// `container[:mode]`, as sent: whose mounts this container has too.
    package var volumesFrom: [String] = []
    /// Whether `ro` of `-v` leaves mounts below the source as they are: what it meant before API 1.44.
    package var readOnlyBindsOnTopOnly = false

    package init() {}

    /// Members that records of earlier versions do not have are as they were then.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        binds = try container.decode([BindText].self, forKey: .binds)
        requests = try container.decode([MountRequest].self, forKey: .requests)
        tmpfs = try container.decode([String: String].self, forKey: .tmpfs)
        shmSize = try container.decode(Int64.self, forKey: .shmSize)
        readOnlyRoot = try container.decode(Bool.self, forKey: .readOnlyRoot)
        volumeDriver = try container.decode(String.self, forKey: .volumeDriver)
        volumesFrom = try container.decodeIfPresent([String].self, forKey: .volumesFrom) ?? []
        readOnlyBindsOnTopOnly =
            try container.decodeIfPresent(Bool.self, forKey: .readOnlyBindsOnTopOnly) ?? false
    }
}

package struct SecuritySpec: Sendable, Hashable, Codable {
    package var isPrivileged = false
    /// As sent, with or without `CAP_`; `ALL`.
    package var capabilitiesAdded: [String] = []
    package var capabilitiesDropped: [String] = []
    /// As sent: `seccomp=unconfined`, `no-new-privileges`, `systempaths=unconfined`, …
    package var options: [String] = []
    /// nil for the default set.
    package var maskedPaths: [String]?
    package var readOnlyPaths: [String]?

    package init() {}
}

package struct NamespaceSpec: Sendable, Hashable, Codable {
    package var ipc = IPCMode.standard
    package var pid = PIDMode.private
    package var uts = UTSMode.private
    package var user = UserNamespaceMode.standard
    /// nil for the daemon's default.
    package var cgroup: CgroupNamespaceMode?

    package init() {}
}

package struct LogSettings: Sendable, Hashable, Codable {
    package var driver: String
    package var options: [String: String]

    package init(driver: String, options: [String: String]) {
        self.driver = driver
        self.options = options
    }
}

/// How a container is probed. Durations in nanoseconds, 0 for the default.
package struct Healthcheck: Sendable, Hashable, Codable {
    /// `["NONE"]`, `["CMD", …]`, `["CMD-SHELL", text]`; empty to inherit.
    package var test: [String] = []
    package var interval: Int64 = 0
    package var timeout: Int64 = 0
    package var startPeriod: Int64 = 0
    package var startInterval: Int64 = 0
    package var retries = 0

    package init() {}
}

package struct TerminalSize: Sendable, Hashable, Codable {
    package var rows: UInt16
    package var columns: UInt16

    package init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }
}
