import GoTemplate
import DockerAPI
import EngineClient
import Glibc

/// What all commands of one run of the program share.
final class Session {
    /// What the program was invoked as: `skiff` or `docker`.
    let program: String
    let globals: FlagValues
    let output = Output()
    private var connected: EngineClient?

    init(program: String, globals: FlagValues) {
        self.program = program
        self.globals = globals
    }

    var isDocker: Bool { program == "docker" }

    var daemonName: DaemonName { isDocker ? .docker : .skiff }

    /// The folder of the client's configuration.
    var configurationFolder: String {
        if globals.isSet(GlobalFlags.config) { return globals.string(GlobalFlags.config) }
        if let folder = Self.environment("DOCKER_CONFIG") { return folder }
        return (Self.environment("HOME") ?? "/root") + "/.docker"
    }

    /// The client of the engine, made at the first use.
    var client: EngineClient {
        get throws {
            if let connected { return connected }
            let made = try makeClient()
            connected = made
            return made
        }
    }

    private func makeClient() throws -> EngineClient {
        try refuseContexts()
        try refuseTLS()
        var version: APIVersion?
        if let text = Self.environment("DOCKER_API_VERSION") {
            guard let parsed = APIVersion(text.hasPrefix("v") ? text.dropFirst() : text[...]) else {
                throw CommandError(
                    .invalidArgument, "DOCKER_API_VERSION: \(text) is not a version, such as 1.51")
            }
            version = parsed
        }
        let text = try addressText
        do throws(EngineError) {
            let address = try EngineAddress(parsing: text)
            return EngineClient(address: address, daemonName: daemonName, version: version)
        } catch {
            throw CommandError(
                .invalidArgument,
                "Failed to initialize: unable to resolve \(program) endpoint: \(error.message)")
        }
    }

    /// Docker's client turns TLS on by these flags and variables; certificates alone (`--tlscacert`,
    /// `DOCKER_CERT_PATH`) do not. A connection that was meant to be encrypted must not be made without.
    private func refuseTLS() throws {
        let asked =
            globals.isSet(GlobalFlags.tlsVerify)
            ? "--tlsverify"
            : globals.bool(GlobalFlags.tls)
                ? "--tls"
                : ["DOCKER_TLS_VERIFY", "DOCKER_TLS"].first { Self.environment($0) != nil }
        guard let asked else { return }
        throw CommandError(.notBuilt, "\(asked): \(EngineAddress.withoutTLS)")
    }

    private func refuseContexts() throws {
        let name =
            globals.isSet(GlobalFlags.context)
            ? globals.string(GlobalFlags.context) : Self.environment("DOCKER_CONTEXT") ?? "default"
        guard name == "default" || name.isEmpty else {
            throw CommandError(
                .notBuilt,
                "context \(GoPrinter.quoted(name)): contexts other than \"default\" are not built yet; "
                    + "name the daemon with --host or \(isDocker ? "DOCKER_HOST" : "SKIFF_HOST")")
        }
    }

    /// The daemon's address: `--host`, `SKIFF_HOST`, `DOCKER_HOST`, else the default socket.
    private var addressText: String {
        get throws {
            let hosts = globals.list(GlobalFlags.host)
            guard hosts.count < 2 else { throw CommandError(.invalidArgument, "specify only one -H") }
            if let host = hosts.first { return host }
            if !isDocker, let host = Self.environment("SKIFF_HOST") { return host }
            if let host = Self.environment("DOCKER_HOST") { return host }
            return isDocker ? "unix:///var/run/docker.sock" : "unix:///run/skiff/skiff.sock"
        }
    }

    /// A variable of the environment; nil where it is not set or empty.
    static func environment(_ name: String) -> String? {
        guard let text = variable(name), !text.isEmpty else { return nil }
        return text
    }

    /// A variable of the environment, which may be empty.
    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
