package import ImageStore

/// Everything that the wiring executable decides about an engine; paths are absolute.
package struct EngineConfiguration: Sendable {
    /// Durable state: database, images, layers, volumes, container folders.
    package var dataRoot = "/var/lib/skiff"
    /// What ends with the machine: shim folders and sockets. On tmpfs.
    package var execRoot = "/run/skiff"
    /// Names the nftables table and the lock; two engines on one host differ in it.
    package var instanceName = "skiff"
    /// nil for the host's: systemd's where systemd runs a host with control groups version 2.
    package var cgroupDriver: CgroupDriver?
    /// A path, or a slice for systemd's driver; empty for the default.
    package var cgroupParent = ""
    /// The shim's executable.
    package var shimPath = "/usr/libexec/skiff/skiff-shim"
    /// The forwarder's executable (`skiff-net`); empty for none.
    package var forwarderPath = ""
    /// What `--init` runs as process 1; empty for the shim itself in init mode.
    package var initPath = ""
    package var bridge = BridgeConfiguration()
    package var logDefaults = LogSettings(driver: "json-file", options: [:])
    package var defaultUlimits: [Ulimit] = []
    package var defaultShmSize: Int64 = 64 << 20
    package var defaultIPCMode: IPCMode = .private
    /// nil is Docker's default: host on cgroup v1, private on v2.
    package var defaultCgroupNamespace: CgroupNamespaceMode?
    package var initByDefault = false
    package var noNewPrivileges = false
    /// The executable of `skiff-seccomp`; empty to look beside the daemon and in the usual places.
    package var seccompCompilerPath = ""
    /// A seccomp profile that replaces the built-in default; empty for none.
    package var seccompProfilePath = ""
    package var dns = DNSConfiguration()
    package var registries = RegistrySettings()
    /// `overlay2` or `vfs`; nil for `overlay2` where the file system carries it.
    package var storageDriver: StorageDriver?
    /// Bytes that a container's layer may hold where the container does not say; nil for any number.
    package var containerSize: UInt64?
    /// How much images may occupy; nil for any amount.
    package var storageLimit: StorageLimit?
    package var labels: [String] = []
    /// Seconds that `stop` waits where neither the request nor the container says.
    package var stopTimeout = 10
    package var isDropIn = false
    package var isDebug = false
    package var isExperimental = false
    package var versions = EngineVersions()

    package init() {}
}

/// The default bridge network.
package struct BridgeConfiguration: Sendable, Equatable {
    /// The link's name; `none` for no default bridge network.
    package var name = "skiff0"
    /// The bridge's own address with prefix, such as `172.17.0.1/16`; empty to choose a free one.
    package var address = ""
    /// Part of the subnet from which containers get addresses; empty for all of it.
    package var fixedRange = ""
    package var defaultGateway = ""
    package var mtu = 1500
    package var interContainerCommunication = true
    package var ipMasquerade = true
    package var ipForward = true
    /// Where published ports listen when `-p` names no address.
    package var defaultHostAddress = "0.0.0.0"
    package var ipv6 = false
    package var fixedRangeV6 = ""
    /// `base` and `size` of the pools from which subnets are taken; empty for the built-in ones.
    package var addressPools: [BridgeAddressPool] = []

    package init() {}
}

package struct BridgeAddressPool: Sendable, Equatable {
    package var base: String
    /// Prefix length of each subnet.
    package var size: Int

    package init(base: String, size: Int) {
        self.base = base
        self.size = size
    }
}

package struct DNSConfiguration: Sendable, Hashable, Codable {
    package var servers: [String] = []
    package var options: [String] = []
    package var search: [String] = []

    package init() {}
}

/// What `version` and `info` report about the build; filled by the executable.
package struct EngineVersions: Sendable, Equatable {
    package var engine = "0.1.0"
    package var gitCommit = ""
    package var buildTime = ""

    package init() {}
}

extension EngineConfiguration {
    /// What `storageDriver` may be.
    package static let storageDrivers = StorageDriver.allCases.map(\.rawValue)

    /// - Parameter name: one of `storageDrivers`
    package mutating func setStorageDriver(_ name: String) { storageDriver = StorageDriver(rawValue: name) }
}
