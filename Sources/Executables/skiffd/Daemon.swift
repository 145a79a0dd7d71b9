import HTTPTransport
import DockerAPIServer
import Engine
import Glibc
import JSONCodec
import LinuxKernel
import Logging
import ServiceProcess

/// The daemon from its configuration to its end.
struct Daemon {
    private let flags: Flags
    private let configFile: String
    private var options: DaemonOptions
    private let threshold: LogOutput.Threshold
    private let logger: Logger
    private let tls: ServerTLS?

    /// - Throws: `OptionError`
    init(_ flags: Flags) throws {
        self.flags = flags
        let wantsDropIn = flags.values["drop-in"]?.boolValue ?? false
        configFile = flags.configFile ?? (wantsDropIn ? DaemonFile.dropInPath : DaemonFile.defaultPath)
        options = try Self.load(flags, configFile)
        tls = try options.tls?.load()
        let threshold = LogOutput.Threshold(Self.level(options))
        let output = LogOutput(threshold: threshold, isJSON: options.logsJSON)
        self.threshold = threshold
        logger = Logger(label: "skiffd") { _ in output }
    }

    private static func load(_ flags: Flags, _ path: String) throws -> DaemonOptions {
        let file = try DaemonFile.read(path, isRequired: flags.configFile != nil)
        return try DaemonOptions(DaemonFile.merge(flags.values, file, path: path))
    }

    private static func level(_ options: DaemonOptions) -> Logger.Level {
        options.engine.isDebug ? .debug : LogOutput.level(options.logLevel)
    }

    /// Serves until it is told to end. Containers go on without it.
    mutating func run() async throws {
        options.engine.shimPath = try Companions.find("skiff-shim")
        options.engine.forwarderPath = try Companions.find("skiff-net")
        options.engine.seccompCompilerPath = try Companions.find("skiff-seccomp")
        let signals = try Signals.stream(of: [SIGTERM, SIGINT, SIGHUP])
        let pidfile = try Pidfile(options.pidfile)
        defer { pidfile.remove() }
        let engine = try await Engine.open(configuration: options.engine, logger: logger)
        let server = DockerAPIServer(engine: engine, logger: logger)
        do {
            try await listen(server)
            Readiness.notify("READY=1")
            logger.info("daemon is ready", metadata: ["pid": "\(getpid())"])
            await serve(signals)
            Readiness.notify("STOPPING=1")
        } catch {
            await server.shutdown(grace: .zero)
            await engine.shutdown()
            throw error
        }
        await server.shutdown(grace: .seconds(options.shutdownTimeout))
        await engine.shutdown()
        logger.info("daemon has ended; containers go on")
    }

    private func listen(_ server: DockerAPIServer) async throws {
        let group = try SocketGroup.find(options.socketGroup)
        for host in options.hosts {
            if case .tcp = host, options.tls?.clientAuthorities == nil {
                logger.warning(
                    "API on TCP without tlsverify: everyone who reaches it is root on this host",
                    metadata: ["address": "\(host)", "tls": "\(tls != nil)"])
            }
            try await server.listen(on: host, socketGroup: group, tls: tls)
        }
        // Not before the socket is ours: another engine's place is left as it is.
        if options.engine.isDropIn { try DropIn.linkDataRoot(options.engine.dataRoot, logger: logger) }
    }

    private mutating func serve(_ signals: AsyncStream<Int32>) async {
        for await signal in signals {
            guard signal == SIGHUP else { return }
            reload()
        }
    }

    /// Takes over what may change while the daemon runs, and names what may not.
    private mutating func reload() {
        Readiness.notify("RELOADING=1")
        defer { Readiness.notify("READY=1") }
        do {
            let new = try Self.load(flags, configFile)
            // Certificates are renewed in place; connections keep what they began with.
            try tls?.reload()
            threshold.value = Self.level(new)
            options.shutdownTimeout = new.shutdownTimeout
            logger.info("configuration reloaded", metadata: ["path": "\(configFile)"])
            if new.engine.labels != options.engine.labels {
                logger.warning("changed key needs a restart of the daemon", metadata: ["key": "labels"])
            }
        } catch {
            logger.error("configuration not reloaded", metadata: ["error": "\(error)"])
        }
    }
}

/// The group whose members may use the API.
enum SocketGroup {
    /// - Parameter name: a name or a number; empty for `docker`, where there is such a group
    /// - Returns: its number; nil for root's own
    static func find(_ name: String) throws -> UInt32? {
        if let number = UInt32(name) { return number }
        guard let entry = getgrnam(name.isEmpty ? "docker" : name) else {
            if name.isEmpty { return nil }
            throw OptionError("group: there is no group \"\(name)\"")
        }
        return entry.pointee.gr_gid
    }
}
