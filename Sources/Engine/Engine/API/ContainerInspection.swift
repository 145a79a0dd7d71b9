package import OCIModel

/// A container at one moment: what was asked for, what it is, where it lives. A plain value; reading it never waits.
package struct ContainerInspection: Sendable {
    package var id: String
    /// Without the slash.
    package var name: String
    /// What other containers call it, by their links: `web/db`.
    package var linkNames: [String]
    package var created: Timestamp
    package var spec: ContainerSpec
    package var state: ContainerState
    /// When the last run began; `Timestamp.zero` where there was none.
    package var startedAt: Timestamp
    package var finishedAt: Timestamp
    /// Docker's `State.Error`: what the last start failed with.
    package var lastError: String
    package var exitCode: Int32
    package var outOfMemory: Bool
    package var restartCount: Int
    /// The image's id, `sha256:…`.
    package var imageID: String
    /// The digest of the manifest, `sha256:…`; empty where not known.
    package var manifestDigest: String
    /// `linux`.
    package var os: String
    /// What runs as process 1: the program and its arguments.
    package var path: String
    package var arguments: [String]
    package var paths: ContainerPaths
    package var mounts: [MountPoint]
    package var graph: GraphPaths
    package var appArmorProfile: String
    package var logDriver: String
    package var network: NetworkState
    /// nil where nothing is probed.
    package var health: HealthState?
    /// Of exec sessions that run or ended recently.
    package var execIDs: [String]
    package var warnings: [String]
}

/// The container's files on the host.
package struct ContainerPaths: Sendable, Hashable {
    package var hosts: String
    package var hostname: String
    package var resolvConf: String
    /// Empty for a log driver without a file.
    package var log: String
}

/// The overlay's folders, as `GraphDriver.Data` shows them; drivers other than `overlay2` show none.
package struct GraphPaths: Sendable, Hashable {
    package var driver: String
    /// Upmost first, joined by `:` in Docker's field.
    package var lower: [String]
    package var upper: String
    package var work: String
    package var merged: String
}

/// What a container has of networks now.
package struct NetworkState: Sendable, Hashable {
    /// Path of the network namespace, such as `/proc/123/ns/net`; empty when not running.
    package var sandboxKey = ""
    package var sandboxID = ""
    package var ports: [PortState] = []
    package var endpoints: [EndpointState] = []
}

/// A port of a running container; without bindings it is exposed only.
package struct PortState: Sendable, Hashable, Codable {
    package var port: ContainerPort
    package var bindings: [PortBindingState]
}

package struct PortBindingState: Sendable, Hashable, Codable {
    /// `0.0.0.0`, `::`, or the address asked for.
    package var address: String
    package var port: UInt16
}

/// A container's connection to one network.
package struct EndpointState: Sendable, Hashable, Codable {
    package var networkName: String
    package var networkID: String
    /// Empty while the container does not run, as everything below.
    package var endpointID = ""
    package var gateway = ""
    package var ipv4Address = ""
    package var ipv4PrefixLength = 0
    package var ipv6Gateway = ""
    package var ipv6Address = ""
    package var ipv6PrefixLength = 0
    package var macAddress = ""
    package var aliases: [String] = []
    package var dnsNames: [String] = []

    package init(networkName: String, networkID: String) {
        self.networkName = networkName
        self.networkID = networkID
    }
}

/// Bytes that a container takes on disk.
package struct ContainerSize: Sendable, Hashable {
    /// Of the writable layer.
    package var writable: Int64
    /// Of writable layer and image.
    package var root: Int64
}
