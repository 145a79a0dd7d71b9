package import HTTPTransport
package import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A registry: the OCI distribution specification's server on its sockets.
package final class RegistryServer: Sendable {
    private let registry: Registry
    private let group: MultiThreadedEventLoopGroup
    private let server: HTTPServer
    private let metricsServer: HTTPServer
    private let tls: ServerTLS?
    private let accessLog: AccessLog?
    private let logger: Logger
    private let collection = Mutex<Task<Void, Never>?>(nil)

    /// Opens the store; nothing listens yet.
    /// - Throws: `RegistryError`, `HTTPTransportError`, `SystemCallError`
    package init(settings: RegistrySettings, logger: Logger) throws {
        self.logger = logger
        accessLog = try settings.accessLog.map { try AccessLog(path: $0) }
        if let certificate = settings.tlsCertificate, let key = settings.tlsKey {
            tls = try ServerTLS(
                certificate: certificate, key: key, clientAuthorities: settings.tlsClientAuthorities)
        } else {
            tls = nil
        }
        registry = try Registry(settings: settings, logger: logger)
        group = MultiThreadedEventLoopGroup(
            numberOfThreads: settings.threads == 0 ? System.coreCount : settings.threads)
        let idle: TimeAmount? = settings.idleTimeout == 0 ? nil : .seconds(settings.idleTimeout)
        server = HTTPServer(
            group: group,
            service: RegistryService(registry: registry, isSecure: tls != nil, accessLog: accessLog),
            idleTimeout: idle, logger: logger)
        metricsServer = HTTPServer(
            group: group, service: MetricsService(registry: registry), idleTimeout: idle, logger: logger)
    }

    /// Listens where the settings say, and collects garbage from now on.
    /// - Returns: the addresses, with the ports that the kernel chose
    package func start() async throws -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        for address in registry.settings.listen {
            let bound = try await server.listen(on: address, tls: tls)
            logger.info(
                "registry listens", metadata: ["address": "\(bound)", "tls": "\(tls != nil)"])
            addresses.append(bound)
        }
        if let address = registry.settings.metrics {
            let bound = try await metricsServer.listen(on: address)
            logger.info("metrics", metadata: ["address": "\(bound)"])
        }
        let collector = registry.collector
        collection.withLock { $0 = Task { await collector.runRegularly() } }
        return addresses
    }

    /// Reads certificate and passwords again and opens the access log anew (SIGHUP).
    package func reload() async {
        do {
            try tls?.reload()
            let passwords = registry.gatekeeper.passwords
            try await registry.blocking { _ in try passwords?.reload() }
            try accessLog?.reopen()
            logger.info("reloaded")
        } catch {
            logger.error("reload failed; what was in use stays", metadata: ["error": "\(error)"])
        }
    }

    /// Runs the collector now.
    package func collect() async throws -> CollectionReport {
        let collector = registry.collector
        return try await registry.blocking { _ in try collector.collect() }
    }

    /// Takes no more connections, lets requests end for as long as the settings say, and closes the store.
    package func shutdown() async {
        collection.withLock { $0?.cancel() }
        await server.shutdown(grace: .seconds(registry.settings.drain))
        await metricsServer.shutdown(grace: .seconds(1))
        do {
            try await group.shutdownGracefully()
            try await registry.close()
        } catch {
            logger.warning("the registry did not end cleanly", metadata: ["error": "\(error)"])
        }
    }
}
