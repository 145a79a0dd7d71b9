/// The engine and its host: Docker's `/info` and `/version`.
package final class SystemService: Sendable {
    init() {}

    package func info() async throws -> EngineInformation { throw EngineError.notBuilt("info") }

    package func version() -> EngineVersionInformation {
        EngineVersionInformation(
            engine: "", gitCommit: "", buildTime: "", operatingSystem: "linux", architecture: "amd64",
            kernel: "",
            experimental: false)
    }
}

package struct EngineVersionInformation: Sendable, Hashable {
    package var engine: String
    package var gitCommit: String
    package var buildTime: String
    package var operatingSystem: String
    /// As Go names it: `amd64`.
    package var architecture: String
    package var kernel: String
    package var experimental: Bool
}

package struct EngineInformation: Sendable {
    /// Stable over restarts.
    package var id: String
    package var containers: Int
    package var running: Int
    package var paused: Int
    package var stopped: Int
    package var images: Int
    package var storageDriver: String
    package var storageStatus: [(String, String)]
    package var memoryLimit: Bool
    package var swapLimit: Bool
    package var cpuCfsPeriod: Bool
    package var cpuCfsQuota: Bool
    package var cpuShares: Bool
    package var cpuSet: Bool
    package var pidsLimit: Bool
    package var oomKillDisable: Bool
    package var ipv4Forwarding: Bool
    package var bridgeNetfilterIPv4: Bool
    package var bridgeNetfilterIPv6: Bool
    package var debug: Bool
    package var fileDescriptors: Int
    package var threads: Int
    package var loggingDriver: String
    /// `cgroupfs`.
    package var cgroupDriver: String
    /// 1 or 2.
    package var cgroupVersion: Int
    package var eventListeners: Int
    package var kernelVersion: String
    /// `Debian GNU/Linux 12 (bookworm)`.
    package var operatingSystem: String
    package var osVersion: String
    /// As `uname -m`: `x86_64`.
    package var machine: String
    package var processors: Int
    /// Bytes.
    package var memory: Int64
    package var dataRoot: String
    package var hostname: String
    package var labels: [String]
    package var experimental: Bool
    package var engineVersion: String
    package var runtimes: [String: String]
    package var defaultRuntime: String
    package var initBinary: String
    package var securityOptions: [String]
    package var logDrivers: [String]
    package var networkDrivers: [String]
    package var volumeDrivers: [String]
    package var warnings: [String]
}
