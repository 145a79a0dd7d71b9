import Glibc
import LinuxKernel
import Logging
import RegistryServer

/// The registry from its start to its end.
struct Service {
    private let settings: RegistrySettings
    private let logger: Logger

    init(_ settings: RegistrySettings) {
        self.settings = settings
        logger = Self.logger(settings)
    }

    private static func logger(_ settings: RegistrySettings) -> Logger {
        let level: Logger.Level =
            switch settings.logLevel {
            case "debug": .debug
            case "warn": .warning
            case "error": .error
            default: .info
            }
        return Logger(label: "registry") { _ in LogLines(logLevel: level) }
    }

    func run() async throws {
        let signals = try Signals.requests()
        let server = try RegistryServer(settings: settings, logger: logger)
        _ = try await server.start()
        var ending: Task<Void, Never>?
        for await signal in signals {
            switch signal {
            case .reload: await server.reload()
            case .collect:
                do {
                    let report = try await server.collect()
                    logger.info("collected", metadata: ["report": "\(report.text)"])
                } catch {
                    logger.error("collection failed", metadata: ["error": "\(error)"])
                }
            case .terminate:
                guard ending == nil else { exit(1) }
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
