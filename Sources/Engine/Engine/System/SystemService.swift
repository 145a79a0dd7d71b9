import Networking

/// The engine and its host: Docker's `/info` and `/version`.
package final class SystemService: Sendable {
    private let parts: EngineParts
    private let id: String

    init(_ parts: EngineParts, id: String) {
        self.parts = parts
        self.id = id
    }

    package func version() -> EngineVersionInformation {
        let versions = parts.configuration.versions
        return EngineVersionInformation(
            engine: versions.engine, gitCommit: versions.gitCommit, buildTime: versions.buildTime,
            operatingSystem: "linux", architecture: HostInformation.architecture,
            kernel: HostInformation.kernelVersion,
            experimental: parts.configuration.isExperimental)
    }

    package func info() async throws -> EngineInformation {
        let (parts, id) = (parts, id)
        return try await parts.pool.run { try EngineInformation(parts, id: id) }
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
