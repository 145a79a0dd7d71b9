/// `Config`: what a container runs, independent of the host.
package struct ContainerConfig: WireType {
    @Member package var hostname: String = ""
    @Member package var domainname: String = ""
    @Member package var user: String = ""
    @Member package var attachStdin: Bool = false
    @Member package var attachStdout: Bool = false
    @Member package var attachStderr: Bool = false
    /// Keys as `80/tcp`.
    package var exposedPorts: [String: EmptyObject]?
    @Member package var tty: Bool = false
    @Member package var openStdin: Bool = false
    @Member package var stdinOnce: Bool = false
    /// `NAME=value`; `NAME` alone removes the variable.
    @Nullable package var env: [String]?
    @Nullable package var cmd: CommandLine?
    package var healthcheck: HealthConfig?
    /// Windows only.
    @OmitEmpty package var argsEscaped: Bool = false
    @Member package var image: String = ""
    @Nullable package var volumes: [String: EmptyObject]?
    @Member package var workingDir: String = ""
    @Nullable package var entrypoint: CommandLine?
    @OmitEmpty package var networkDisabled: Bool = false
    /// Written for clients below 1.44; newer ones send it in `EndpointSettings`.
    @OmitEmpty package var macAddress: String = ""
    @Nullable package var onBuild: [String]?
    @Nullable package var labels: [String: String]?
    @OmitEmpty package var stopSignal: String = ""
    /// Seconds.
    package var stopTimeout: Int?
    package var shell: [String]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case hostname = "Hostname"
        case domainname = "Domainname"
        case user = "User"
        case attachStdin = "AttachStdin"
        case attachStdout = "AttachStdout"
        case attachStderr = "AttachStderr"
        case exposedPorts = "ExposedPorts"
        case tty = "Tty"
        case openStdin = "OpenStdin"
        case stdinOnce = "StdinOnce"
        case env = "Env"
        case cmd = "Cmd"
        case healthcheck = "Healthcheck"
        case argsEscaped = "ArgsEscaped"
        case image = "Image"
        case volumes = "Volumes"
        case workingDir = "WorkingDir"
        case entrypoint = "Entrypoint"
        case networkDisabled = "NetworkDisabled"
        case macAddress = "MacAddress"
        case onBuild = "OnBuild"
        case labels = "Labels"
        case stopSignal = "StopSignal"
        case stopTimeout = "StopTimeout"
        case shell = "Shell"
    }
}

/// How a container's health is probed. Durations in nanoseconds; 0 inherits.
package struct HealthConfig: WireType {
    @OmitEmpty package var test: [String] = []
    @OmitEmpty package var interval: Int64 = 0
    @OmitEmpty package var timeout: Int64 = 0
    @OmitEmpty package var startPeriod: Int64 = 0
    @OmitEmpty package var startInterval: Int64 = 0
    @OmitEmpty package var retries: Int = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case test = "Test"
        case interval = "Interval"
        case timeout = "Timeout"
        case startPeriod = "StartPeriod"
        case startInterval = "StartInterval"
        case retries = "Retries"
    }
}
