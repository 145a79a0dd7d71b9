package import Glibc
import LinuxKernel
package import Logging
package import NIOCore
import NIOPosix
import Synchronization

/// Listens, and gives each connection a handler.
package final class HTTPServer: Sendable {
    private struct State {
        var listeners: [any Channel] = []
        var connections: [ObjectIdentifier: any Channel] = [:]
        var socketPaths: [String] = []
        var isClosing = false
    }

    private let group: any EventLoopGroup
    private let service: any RequestService
    private let idleTimeout: TimeAmount?
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter idleTimeout: after how long a connection ends on which neither side sends anything and nothing is
    ///   being worked on; nil for never
    package init(
        group: any EventLoopGroup, service: any RequestService, idleTimeout: TimeAmount? = nil, logger: Logger
    ) {
        self.group = group
        self.service = service
        self.idleTimeout = idleTimeout
        self.logger = logger
    }

    /// - Parameters:
    ///   - socketGroup: who may connect to unix sockets besides root
    ///   - tls: what connections are encrypted with; nil for not at all
    /// - Returns: the address that it really is, with the port that the kernel chose
    package func listen(
        on address: ListenAddress, socketGroup: gid_t? = nil, tls: ServerTLS? = nil
    ) async throws -> ListenAddress {
        switch address {
        case .unix(let path):
            let socket = try UnixListener.listen(path: path, group: socketGroup)
            _ = try await adopt(socket.take(), nil)
            state.withLock { $0.socketPaths.append(path) }
            return address
        case .tcp(let host, let port):
            do {
                let channel = try await bootstrap(tls).bind(host: host, port: port).get()
                state.withLock { $0.listeners.append(channel) }
                return .tcp(host: host, port: channel.localAddress?.port ?? port)
            } catch {
                throw HTTPTransportError(.listenFailed, "cannot listen on \(address): \(error)", cause: error)
            }
        case .passed(let descriptor):
            for passed in try PassedSockets.take(descriptor) {
                _ = try await adopt(passed, PassedSockets.isLocal(passed) ? nil : tls)
            }
            return address
        }
    }

    private func adopt(_ descriptor: Int32, _ tls: ServerTLS?) async throws -> any Channel {
        do {
            let channel = try await bootstrap(tls).withBoundSocket(descriptor).get()
            state.withLock { $0.listeners.append(channel) }
            return channel
        } catch {
            close(descriptor)
            throw HTTPTransportError(.listenFailed, "cannot listen on the socket: \(error)", cause: error)
        }
    }

    private func bootstrap(_ tls: ServerTLS?) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { [weak self] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let self else { throw ChannelError.ioOnClosedChannel }
                    self.track(channel)
                    try self.addHandlers(channel.pipeline.syncOperations, tls)
                }
            }
    }

    private func addHandlers(_ pipeline: ChannelPipeline.SynchronousOperations, _ tls: ServerTLS?) throws {
        let encryption = try tls?.handler()
        if let encryption { try pipeline.addHandler(encryption) }
        if let idleTimeout { try pipeline.addHandler(IdleStateHandler(allTimeout: idleTimeout)) }
        try pipeline.addHandler(
            ConnectionHandler(service: service, tls: encryption, logger: logger))
    }

    private func track(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        let isClosing = state.withLock { state in
            state.connections[key] = channel
            return state.isClosing
        }
        channel.closeFuture.whenComplete { [weak self] _ in
            _ = self?.state.withLock { $0.connections.removeValue(forKey: key) }
        }
        if isClosing { channel.close(promise: nil) }
    }

    /// Takes no more connections, ends streams, lets requests that change something finish for a while, and removes
    /// the sockets' files.
    package func shutdown(grace: Duration) async {
        let (listeners, paths) = state.withLock { state in
            state.isClosing = true
            defer { (state.listeners, state.socketPaths) = ([], []) }
            return (state.listeners, state.socketPaths)
        }
        for path in paths { unlink(path) }
        for listener in listeners { try? await listener.close() }
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(ServerShutdown()) }
        let deadline = ContinuousClock.now + grace
        while !open.isEmpty, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
        for channel in open {
            channel.triggerUserOutboundEvent(CutConnection(), promise: nil)
            channel.close(promise: nil)
        }
    }

    private var open: [any Channel] { state.withLock { Array($0.connections.values) } }
}

/// Tells a connection that the server is about to end.
struct ServerShutdown: Sendable {}

/// The sockets that systemd passes (sd_listen_fds(3)).
enum PassedSockets {
    private static let first: Int32 = 3

    /// Whether it is a unix socket: those are not encrypted.
    static func isLocal(_ descriptor: Int32) -> Bool {
        var family: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_UNIX
    }

    static func take(_ wanted: Int32?) throws -> [Int32] {
        func number(_ name: String) -> Int32? { getenv(name).flatMap { Int32(String(cString: $0)) } }
        guard let count = number("LISTEN_FDS"), count > 0,
            number("LISTEN_PID").map({ $0 == getpid() }) ?? true
        else {
            throw HTTPTransportError(
                .listenFailed,
                "no sockets found via socket activation: make sure the service was started by systemd")
        }
        let all = (first..<first + count).map { $0 }
        let chosen = wanted.map { number in all.filter { $0 == number || $0 == number + first } } ?? all
        guard !chosen.isEmpty else {
            throw HTTPTransportError(
                .listenFailed, "no socket \(wanted.map { "\($0)" } ?? "") was passed by systemd")
        }
        for descriptor in chosen { try systemCall("fcntl") { fcntl(descriptor, F_SETFD, FD_CLOEXEC) } }
        return chosen
    }
}
