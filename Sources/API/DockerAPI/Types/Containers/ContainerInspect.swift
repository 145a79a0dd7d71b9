/// The answer of `GET /containers/{id}/json`.
package struct ContainerInspect: WireType {
    @Member package var id: String = ""
    @Member package var created: String = ""
    @Member package var path: String = ""
    @Member package var args: [String] = []
    @Member package var state: ContainerState = ContainerState()
    @Member package var image: String = ""
    @Member package var resolvConfPath: String = ""
    @Member package var hostnamePath: String = ""
    @Member package var hostsPath: String = ""
    @Member package var logPath: String = ""
    /// With a leading slash.
    @Member package var name: String = ""
    @Member package var restartCount: Int = 0
    @Member package var driver: String = ""
    @Member package var platform: String = ""
    @Member package var mountLabel: String = ""
    @Member package var processLabel: String = ""
    @Member package var appArmorProfile: String = ""
    @Nullable package var execIDs: [String]?
    @Member package var hostConfig: HostConfig = HostConfig()
    @Member package var graphDriver: GraphDriver = GraphDriver()
    /// Bytes; present with `size=1`.
    package var sizeRw: Int64?
    package var sizeRootFs: Int64?
    @Member package var mounts: [MountPoint] = []
    @Member package var config: ContainerConfig = ContainerConfig()
    @Member package var networkSettings: NetworkSettings = NetworkSettings()
    /// Since 1.48.
    package var imageManifestDescriptor: Descriptor?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case created = "Created"
        case path = "Path"
        case args = "Args"
        case state = "State"
        case image = "Image"
        case resolvConfPath = "ResolvConfPath"
        case hostnamePath = "HostnamePath"
        case hostsPath = "HostsPath"
        case logPath = "LogPath"
        case name = "Name"
        case restartCount = "RestartCount"
        case driver = "Driver"
        case platform = "Platform"
        case mountLabel = "MountLabel"
        case processLabel = "ProcessLabel"
        case appArmorProfile = "AppArmorProfile"
        case execIDs = "ExecIDs"
        case hostConfig = "HostConfig"
        case graphDriver = "GraphDriver"
        case sizeRw = "SizeRw"
        case sizeRootFs = "SizeRootFs"
        case mounts = "Mounts"
        case config = "Config"
        case networkSettings = "NetworkSettings"
        case imageManifestDescriptor = "ImageManifestDescriptor"
    }
}

package struct ContainerState: WireType {
    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    @Member package var status: String = ""
    @Member package var running: Bool = false
    @Member package var paused: Bool = false
    @Member package var restarting: Bool = false
    @Member package var oomKilled: Bool = false
    @Member package var dead: Bool = false
    @Member package var pid: Int = 0
    @Member package var exitCode: Int = 0
    @Member package var error: String = ""
    /// RFC 3339; year 1 for never.
    @Member package var startedAt: String = ""
    @Member package var finishedAt: String = ""
    package var health: Health?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case status = "Status"
        case running = "Running"
        case paused = "Paused"
        case restarting = "Restarting"
        case oomKilled = "OOMKilled"
        case dead = "Dead"
        case pid = "Pid"
        case exitCode = "ExitCode"
        case error = "Error"
        case startedAt = "StartedAt"
        case finishedAt = "FinishedAt"
        case health = "Health"
    }
}

package struct Health: WireType {
    @Member package var status: String = ""
    @Member package var failingStreak: Int = 0
    @Nullable package var log: [HealthResult]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case status = "Status"
        case failingStreak = "FailingStreak"
        case log = "Log"
    }
}

package struct HealthResult: WireType {
    @Member package var start: String = ""
    @Member package var end: String = ""
    @Member package var exitCode: Int = 0
    @Member package var output: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case start = "Start"
        case end = "End"
        case exitCode = "ExitCode"
        case output = "Output"
    }
}

package struct GraphDriver: WireType {
    @Nullable package var data: [String: String]?
    @Member package var name: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case data = "Data"
        case name = "Name"
    }
}

package struct MountPoint: WireType {
    @OmitEmpty package var type: String = ""
    @OmitEmpty package var name: String = ""
    @Member package var source: String = ""
    @Member package var destination: String = ""
    @OmitEmpty package var driver: String = ""
    @Member package var mode: String = ""
    @Member package var isWritable: Bool = false
    @Member package var propagation: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case name = "Name"
        case source = "Source"
        case destination = "Destination"
        case driver = "Driver"
        case mode = "Mode"
        case isWritable = "RW"
        case propagation = "Propagation"
    }
}

/// Of an OCI object.
package struct Descriptor: WireType {
    @Member package var mediaType: String = ""
    @Member package var digest: String = ""
    @Member package var size: Int64 = 0
    package var platform: DescriptorPlatform?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case mediaType
        case digest
        case size
        case platform
    }
}

package struct DescriptorPlatform: WireType {
    @Member package var architecture: String = ""
    @Member package var os: String = ""
    package var variant: String?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case architecture
        case os
        case variant
    }
}
