/// An image's `Config`. The optional members are those that 1.50 dropped.
package struct ImageConfig: WireType {
    package var hostname: String?
    package var domainname: String?
    @Member package var user: String = ""
    package var attachStdin: Bool?
    package var attachStdout: Bool?
    package var attachStderr: Bool?
    package var exposedPorts: [String: EmptyObject]?
    package var tty: Bool?
    package var openStdin: Bool?
    package var stdinOnce: Bool?
    @Nullable package var env: [String]?
    @Nullable package var cmd: CommandLine?
    package var healthcheck: HealthConfig?
    @OmitEmpty package var argsEscaped: Bool = false
    package var image: String?
    @Nullable package var volumes: [String: EmptyObject]?
    @Member package var workingDir: String = ""
    @Nullable package var entrypoint: CommandLine?
    @Nullable package var onBuild: [String]?
    @Nullable package var labels: [String: String]?
    @OmitEmpty package var stopSignal: String = ""
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
        case onBuild = "OnBuild"
        case labels = "Labels"
        case stopSignal = "StopSignal"
        case shell = "Shell"
    }
}
