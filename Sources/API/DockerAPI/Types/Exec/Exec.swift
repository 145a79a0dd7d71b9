/// The body of `POST /containers/{id}/exec`.
package struct ExecCreateRequest: WireType {
    @Member package var user: String = ""
    @Member package var privileged: Bool = false
    @Member package var tty: Bool = false
    /// Height and width.
    package var consoleSize: [UInt32]?
    @Member package var attachStdin: Bool = false
    @Member package var attachStderr: Bool = false
    @Member package var attachStdout: Bool = false
    @Member package var detachKeys: String = ""
    @Nullable package var env: [String]?
    @Member package var workingDir: String = ""
    @Nullable package var cmd: CommandLine?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case user = "User"
        case privileged = "Privileged"
        case tty = "Tty"
        case consoleSize = "ConsoleSize"
        case attachStdin = "AttachStdin"
        case attachStderr = "AttachStderr"
        case attachStdout = "AttachStdout"
        case detachKeys = "DetachKeys"
        case env = "Env"
        case workingDir = "WorkingDir"
        case cmd = "Cmd"
    }
}

/// The body of `POST /exec/{id}/start`.
package struct ExecStartRequest: WireType {
    @Member package var detach: Bool = false
    @Member package var tty: Bool = false
    package var consoleSize: [UInt32]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case detach = "Detach"
        case tty = "Tty"
        case consoleSize = "ConsoleSize"
    }
}

/// The answer of `GET /exec/{id}/json`.
package struct ExecInspectResponse: WireType {
    @Member package var id: String = ""
    @Member package var running: Bool = false
    @Nullable package var exitCode: Int?
    @Member package var processConfig: ExecProcessConfig = ExecProcessConfig()
    @Member package var openStdin: Bool = false
    @Member package var openStderr: Bool = false
    @Member package var openStdout: Bool = false
    @Member package var canRemove: Bool = false
    @Member package var containerID: String = ""
    /// Base64, as Go writes bytes.
    @Member package var detachKeys: String = ""
    @Member package var pid: Int = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case running = "Running"
        case exitCode = "ExitCode"
        case processConfig = "ProcessConfig"
        case openStdin = "OpenStdin"
        case openStderr = "OpenStderr"
        case openStdout = "OpenStdout"
        case canRemove = "CanRemove"
        case containerID = "ContainerID"
        case detachKeys = "DetachKeys"
        case pid = "Pid"
    }
}

package struct ExecProcessConfig: WireType {
    @Member package var tty: Bool = false
    @Member package var entrypoint: String = ""
    @Member package var arguments: [String] = []
    package var privileged: Bool?
    @OmitEmpty package var user: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case tty
        case entrypoint
        case arguments
        case privileged
        case user
    }
}

/// The answer of requests that make something.
package struct IDResponse: WireType {
    @Member package var id: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case id = "Id"
    }
}
