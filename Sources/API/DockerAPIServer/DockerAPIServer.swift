package import HTTPTransport
package import Engine
import Glibc
package import Logging
import NIOCore
import NIOPosix

/// Docker's API over an engine.
package final class DockerAPIServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let server: HTTPServer
    private let logger: Logger

    package init(engine: Engine, logger: Logger) {
        self.logger = logger
        // One thread answers tens of thousands of requests a second; the work itself is done elsewhere.
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let dispatcher = Dispatcher(
            groups: Self.groups(engine), serverName: "Skiff/\(engine.configuration.versions.engine) (linux)",
            experimental: engine.configuration.isExperimental, logger: logger)
        server = HTTPServer(group: group, service: dispatcher, logger: logger)
    }

    private static func groups(_ engine: Engine) -> [any EndpointGroup] {
        [
            SystemRoutes(engine: engine), InfoRoute(engine: engine), EventsRoute(engine: engine),
            ContainerCreateRoute(engine: engine), ContainerLifecycleRoutes(engine: engine),
            ContainerReadRoutes(engine: engine), ContainerWaitRoute(engine: engine),
            ContainerStatsRoute(engine: engine), ContainerUpdateRoute(engine: engine),
            ContainerLogsRoute(engine: engine), ContainerAttachRoute(engine: engine),
            ExecRoutes(engine: engine),
            NetworkRoutes(engine: engine), NetworkMembershipRoutes(engine: engine),
            PortChangeRoutes(engine: engine), ImageRoutes(engine: engine), ImageLoadRoute(engine: engine),
            ImageSaveRoute(engine: engine), ImageCreateRoute(engine: engine),
            ImagePushRoute(engine: engine), RegistryRoutes(engine: engine), DiskUsageRoutes(engine: engine),
            PruneRoutes(engine: engine), VolumeRoutes(engine: engine), VolumeCopyRoutes(engine: engine),
            ContainerFileRoutes(engine: engine), CommitRoute(engine: engine),
        ]
    }

    /// Starts listening.
    /// - Parameters:
    ///   - socketGroup: the numeric group that may use unix sockets besides root
    ///   - tls: what connections over TCP are encrypted with; nil for not at all
    /// - Returns: the address that it really is, with the port that the kernel chose
    /// - Throws: `APIError`, `SystemCallError`
    @discardableResult
    package func listen(
        on address: ListenAddress, socketGroup: UInt32? = nil, tls: ServerTLS? = nil
    ) async throws -> ListenAddress {
        let address = try await server.listen(on: address, socketGroup: socketGroup, tls: tls)
        logger.info("API listens", metadata: ["address": "\(address)"])
        return address
    }

    /// Stops listening, ends streams and waits a moment for what changes something.
    package func shutdown(grace: Duration = .seconds(10)) async {
        await server.shutdown(grace: grace)
        do {
            try await group.shutdownGracefully()
        } catch {
            logger.warning("the event loop did not end", metadata: ["error": "\(error)"])
        }
    }
}
