import Glibc
import Logging
import RegistryServer
import ServiceProcess

/// The registry from its start to its end.
struct Service {
    private let settings: RegistrySettings
    private let logger: Logger

    init(_ settings: RegistrySettings) {
        self.settings = settings
        logger = Self.logger(settings)
    }

    private static func logger(_ settings: RegistrySettings) -> Logger {
        let output = LogOutput(
            threshold: LogOutput.Threshold(LogOutput.level(settings.logLevel)), isJSON: false)
        return Logger(label: "registry") { _ in output }
    }

    func run() async throws {
        let signals = try Signals.stream(of: [SIGTERM, SIGINT, SIGHUP, SIGUSR1])
        let server = try RegistryServer(settings: settings, logger: logger)
        _ = try await server.start()
        Readiness.notify("READY=1")
        var ending: Task<Void, Never>?
        for await signal in signals {
            switch signal {
            case SIGHUP:
                Readiness.notify("RELOADING=1")
                await server.reload()
                Readiness.notify("READY=1")
            case SIGUSR1:
                do {
                    let report = try await server.collect()
                    logger.info("collected", metadata: ["report": "\(report.text)"])
                } catch {
                    logger.error("collection failed", metadata: ["error": "\(error)"])
                }
            default:
                guard ending == nil else { exit(1) }
                Readiness.notify("STOPPING=1")
                logger.info("ending; requests may finish", metadata: ["seconds": "\(settings.drain)"])
                ending = Task {
                    await server.shutdown()
                    exit(0)
                }
            }
        }
    }

    /// Collects in a store that nobody serves.
    static func collect(_ settings: RegistrySettings) async throws {
        let server = try RegistryServer(settings: settings, logger: logger(settings))
        let report = try await server.collect()
        await server.shutdown()
        print(report.text)
    }
}
