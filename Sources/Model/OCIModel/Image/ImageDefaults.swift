/// What an image says about the containers made of it: the `config` member of its configuration (image-spec
/// config.md, "Properties"), with Docker's additions.
package struct ImageDefaults: Sendable, Equatable {
    /// How Docker finds out whether a container is well.
    package struct Healthcheck: Sendable, Equatable, Codable {
        /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", command]`; absent or empty inherits.
        package var test: [String]?
        /// In nanoseconds; 0 inherits.
        package var interval: Int64?
        /// In nanoseconds; 0 inherits.
        package var timeout: Int64?
        /// In nanoseconds; 0 inherits.
        package var startPeriod: Int64?
        /// In nanoseconds; 0 inherits.
        package var startInterval: Int64?
        package var retries: Int?

        enum CodingKeys: String, CodingKey {
            case test = "Test"
            case interval = "Interval"
            case timeout = "Timeout"
            case startPeriod = "StartPeriod"
            case startInterval = "StartInterval"
            case retries = "Retries"
        }

        package init(test: [String]? = nil) { self.test = test }
    }

    package var user: String = ""
    /// Such as `80/tcp`, sorted.
    package var exposedPorts: [String] = []
    /// `NAME=value`, in the image's order.
    package var environment: [String] = []
    /// nil where the image has none.
    package var entrypoint: [String]?
    /// nil where the image has none.
    package var command: [String]?
    /// Paths, sorted.
    package var volumes: [String] = []
    package var workingDirectory: String = ""
    package var labels: [String: String] = [:]
    package var stopSignal: String?
    /// In seconds.
    package var stopTimeout: Int?
    /// Windows only: the command is one escaped line.
    package var argsEscaped: Bool = false
    package var healthcheck: Healthcheck?
    package var onBuild: [String] = []
    package var shell: [String]?

    package init() {}
}

extension ImageDefaults: Codable {
    enum CodingKeys: String, CodingKey {
        case user = "User"
        case exposedPorts = "ExposedPorts"
        case environment = "Env"
        case entrypoint = "Entrypoint"
        case command = "Cmd"
        case volumes = "Volumes"
        case workingDirectory = "WorkingDir"
        case labels = "Labels"
        case stopSignal = "StopSignal"
        case stopTimeout = "StopTimeout"
        case argsEscaped = "ArgsEscaped"
        case healthcheck = "Healthcheck"
        case onBuild = "OnBuild"
        case shell = "Shell"
    }

    private struct Empty: Codable {}

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func words(_ key: CodingKeys) throws -> [String]? {
            // Go's StrSlice also takes a bare string, which old images hold.
            if let list = try? container.decodeIfPresent([String].self, forKey: key) { return list }
            return try container.decodeIfPresent(String.self, forKey: key).map { [$0] }
        }
        func keys(_ key: CodingKeys) throws -> [String] {
            try container.decodeIfPresent([String: Empty].self, forKey: key)?.keys.sorted() ?? []
        }
        user = try container.decodeIfPresent(String.self, forKey: .user) ?? ""
        exposedPorts = try keys(.exposedPorts)
        environment = try container.decodeIfPresent([String].self, forKey: .environment) ?? []
        entrypoint = try words(.entrypoint)
        command = try words(.command)
        volumes = try keys(.volumes)
        workingDirectory = try container.decodeIfPresent(String.self, forKey: .workingDirectory) ?? ""
        labels = try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
        stopSignal = try container.decodeIfPresent(String.self, forKey: .stopSignal)
        stopTimeout = try container.decodeIfPresent(Int.self, forKey: .stopTimeout)
        argsEscaped = try container.decodeIfPresent(Bool.self, forKey: .argsEscaped) ?? false
        healthcheck = try container.decodeIfPresent(Healthcheck.self, forKey: .healthcheck)
        onBuild = try container.decodeIfPresent([String].self, forKey: .onBuild) ?? []
        shell = try words(.shell)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        func set(_ values: [String], _ key: CodingKeys) throws {
            guard !values.isEmpty else { return }
            try container.encode(
                Dictionary(values.map { ($0, Empty()) }, uniquingKeysWith: { first, _ in first }), forKey: key
            )
        }
        if !user.isEmpty { try container.encode(user, forKey: .user) }
        try set(exposedPorts, .exposedPorts)
        if !environment.isEmpty { try container.encode(environment, forKey: .environment) }
        try container.encodeIfPresent(entrypoint, forKey: .entrypoint)
        try container.encodeIfPresent(command, forKey: .command)
        try set(volumes, .volumes)
        if !workingDirectory.isEmpty { try container.encode(workingDirectory, forKey: .workingDirectory) }
        if !labels.isEmpty { try container.encode(labels, forKey: .labels) }
        try container.encodeIfPresent(stopSignal, forKey: .stopSignal)
        try container.encodeIfPresent(stopTimeout, forKey: .stopTimeout)
        if argsEscaped { try container.encode(argsEscaped, forKey: .argsEscaped) }
        try container.encodeIfPresent(healthcheck, forKey: .healthcheck)
        if !onBuild.isEmpty { try container.encode(onBuild, forKey: .onBuild) }
        try container.encodeIfPresent(shell, forKey: .shell)
    }
}
