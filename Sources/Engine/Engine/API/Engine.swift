package import Logging
import OCIModel

/// One container engine over one data root. Made and ended by an executable; everything else goes through its services.
package final class Engine: Sendable {
    package let configuration: EngineConfiguration
    package let containers: ContainerService
    package let execs: ExecService
    package let networks: NetworkService
    package let events: EventService
    package let system: SystemService

    init(configuration: EngineConfiguration, logger: Logger) {
        self.configuration = configuration
        events = EventService()
        containers = ContainerService()
        execs = ExecService()
        networks = NetworkService()
        system = SystemService()
    }

    /// Takes possession of the roots, brings the state up to what is really there (running shims are adopted, what died
    /// meanwhile is given its real exit code, half-done operations are finished or undone) and starts serving.
    /// - Throws: `EngineError`, `.rootInUse` where another engine runs on the same root
    package static func open(configuration: EngineConfiguration, logger: Logger) async throws -> Engine {
        Engine(configuration: configuration, logger: logger)
    }

    /// Ends the engine; containers go on running.
    package func shutdown() async {}
}
