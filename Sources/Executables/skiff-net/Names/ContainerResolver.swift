import CLinux
import DNS
import Glibc
import LinuxKernel

/// Answers one container, on sockets within its network namespace, until its process ends.
final class ContainerResolver: EventHandler {
    /// Datagrams of one turn; then other containers come first.
    private static let datagramsPerTurn = 32
    private static let connectionLimit = 32
    private static let timerInterval = 2_000

    let container: String
    let process: Int64
    var settings: ResolverSettings
    /// Queries that wait for another server.
    var waiting = 0
    private let sockets: ResolverSockets
    private let loop: EventLoop
    private let service: NameService
    private var sender = [UInt8](repeating: 0, count: 16)
    private var connections: [Int32: ResolverConnection] = [:]
    /// Connections that could not be accepted wait in the kernel.
    private var isAcceptingLater = false
    private var hasTimer = false
    private var isClosed = false

    init(
        _ container: String, process: Int64, _ sockets: ResolverSockets, _ settings: ResolverSettings,
        _ loop: EventLoop, _ service: NameService
    ) {
        self.container = container
        self.process = process
        self.sockets = sockets
        self.settings = settings
        self.loop = loop
        self.service = service
    }

    func start() throws(SystemCallError) {
        for descriptor in [sockets.process, sockets.datagrams, sockets.listener] {
            try loop.add(descriptor.rawValue, self)
        }
    }

    func handle(_ events: Events, on descriptor: Int32) {
        switch descriptor {
        case sockets.process.rawValue:
            if !events.isDisjoint(with: [.read, .hangUp]) { service.end(container) }
        case sockets.datagrams.rawValue:
            if !events.isDisjoint(with: [.read, .hangUp]) { receive() }
        default:
            accept()
        }
    }

    // MARK: Datagrams

    private func receive() {
        let socket = sockets.datagrams.rawValue
        for _ in 0..<Self.datagramsPerTurn {
            guard !isClosed else { return }
            var length = socklen_t(sender.count)
            let count = sender.withUnsafeMutableBytes { sender in
                recvfrom(
                    socket, loop.scratch.baseAddress, loop.scratch.count, Int32(MSG_DONTWAIT),
                    sender.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
            }
            guard count >= 0 else {
                if errno == EAGAIN { return }
                // The error of an earlier answer that could not be delivered.
                continue
            }
            answer(Array(loop.scratch[0..<count]), to: Array(sender.prefix(Int(length))))
        }
        loop.later { [weak self] in self?.receive() }
    }

    private func answer(_ message: [UInt8], to client: [UInt8]) {
        switch service.respond(to: message, settings.view, isStream: false) {
        case .none: return
        case .answer(let answer): send(answer, to: client)
        case .forward(let query):
            service.upstream.ask(query, for: self, isStream: false) { [weak self] answer in
                self?.send(answer, to: client)
            }
        }
    }

    /// UDP may lose what the client's queue has no room for.
    private func send(_ answer: [UInt8], to client: [UInt8]) {
        guard !isClosed else { return }
        let socket = sockets.datagrams.rawValue
        client.withUnsafeBytes { client in
            _ = sendto(
                socket, answer, answer.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT),
                client.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(client.count))
        }
    }

    // MARK: Connections

    private func accept() {
        while !isClosed {
            guard connections.count < Self.connectionLimit, service.budget.take() else {
                isAcceptingLater = true
                return startTimer()
            }
            let accepted = skiff_accept_nonblocking(sockets.listener.rawValue)
            guard accepted >= 0 else {
                service.budget.giveBack()
                if accepted == -ECONNABORTED || accepted == -EINTR { continue }
                guard accepted != -EAGAIN else { return }
                // Out of descriptors or memory: again a little later.
                isAcceptingLater = true
                return startTimer()
            }
            serve(Descriptor(owning: accepted))
        }
    }

    private func serve(_ client: consuming Descriptor) {
        let number = client.rawValue
        let connection = ResolverConnection(client, self, loop, service) {
            [weak self, budget = service.budget] in
            self?.connections[number] = nil
            budget.giveBack()
        }
        connections[number] = connection
        connection.start()
        startTimer()
    }

    /// Ends connections that nobody uses, and accepts those that wait.
    private func startTimer() {
        guard !hasTimer else { return }
        hasTimer = true
        loop.every(milliseconds: Self.timerInterval) { [weak self] in
            guard let self, !isClosed else { return false }
            for connection in connections.values { connection.endIfIdle() }
            if isAcceptingLater {
                isAcceptingLater = false
                accept()
            }
            hasTimer = !connections.isEmpty || isAcceptingLater
            return hasTimer
        }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        for descriptor in [sockets.process, sockets.datagrams, sockets.listener] {
            loop.remove(descriptor.rawValue)
        }
        for connection in connections.values { connection.close() }
        service.upstream.cancel(for: self)
    }
}
