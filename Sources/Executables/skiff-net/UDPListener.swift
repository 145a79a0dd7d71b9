import CLinux
import Glibc
import LinuxKernel

/// Relays the datagrams of one port: each client gets a socket of its own towards the container, so that answers find
/// back, until it has been silent for a while.
final class UDPListener: PortListener, EventHandler {
    /// Seconds without a datagram in either direction.
    private static let idleLimit = 90
    private static let sessionLimit = 1024
    private static let datagramsPerTurn = 64

    /// A client, and the address of the host that it wrote to: answers have to come from there.
    private struct Client: Hashable {
        let address: SocketAddress
        let local: [UInt8]
        let interface: Int32
    }

    private final class Session {
        let client: Client
        let socket: SharedDescriptor
        var lastUse: Int

        init(_ client: Client, _ socket: SharedDescriptor) {
            self.client = client
            self.socket = socket
            lastUse = EventLoop.now
        }
    }

    private let socket: SharedDescriptor
    private let target: SocketAddress
    private let loop: EventLoop
    private let budget: ConnectionBudget
    private var sessions: [Client: Session] = [:]
    private var byDescriptor: [Int32: Session] = [:]
    private var hasTimer = false
    private var isClosed = false

    init(
        _ socket: SharedDescriptor, _ target: SocketAddress, _ loop: EventLoop, _ budget: ConnectionBudget
    ) throws(SystemCallError) {
        self.socket = socket
        self.target = target
        self.loop = loop
        self.budget = budget
        try rawCall("setsockopt") { skiff_want_local_address(socket.rawValue) }
        try loop.add(socket.rawValue, self)
    }

    func handle(_ events: Events, on descriptor: Int32) {
        guard !events.isDisjoint(with: [.read, .hangUp]) else { return }
        if descriptor == socket.rawValue {
            receiveFromClients()
        } else if let session = byDescriptor[descriptor] {
            receiveFromContainer(session)
        }
    }

    private func receiveFromClients() {
        for _ in 0..<Self.datagramsPerTurn {
            guard !isClosed else { return }
            var sender = [UInt8](repeating: 0, count: 28)
            var length: UInt32 = 0
            var local = [UInt8](repeating: 0, count: 16)
            var interface: Int32 = 0
            let count = skiff_receive_datagram(
                socket.rawValue, loop.scratch.baseAddress, loop.scratch.count, &sender, &length, &local,
                &interface)
            guard count >= 0 else {
                if count == -EAGAIN { return }
                // The error of an earlier answer that could not be delivered.
                continue
            }
            let address = SocketAddress(bytes: Array(sender.prefix(Int(length))))
            let client = Client(address: address, local: local, interface: interface)
            guard let session = sessions[client] ?? makeSession(client) else { continue }
            session.lastUse = EventLoop.now
            // UDP may lose what the container's queue has no room for.
            send(session.socket.rawValue, loop.scratch.baseAddress, count, Int32(MSG_NOSIGNAL))
        }
        loop.later { [weak self] in self?.receiveFromClients() }
    }

    private func receiveFromContainer(_ session: Session) {
        for _ in 0..<Self.datagramsPerTurn {
            guard !isClosed, byDescriptor[session.socket.rawValue] === session else { return }
            let count = recv(session.socket.rawValue, loop.scratch.baseAddress, loop.scratch.count, 0)
            guard count >= 0 else {
                if errno == EAGAIN { return }
                // Nobody listens there (ECONNREFUSED): UDP has no way to say so; the session goes when it is idle.
                if errno == ECONNREFUSED || errno == EINTR { continue }
                return end(session)
            }
            session.lastUse = EventLoop.now
            let client = session.client
            _ = skiff_send_datagram(
                socket.rawValue, loop.scratch.baseAddress, count, client.address.bytes,
                UInt32(client.address.bytes.count), client.local, client.interface)
        }
        loop.later { [weak self] in self?.receiveFromContainer(session) }
    }

    private func makeSession(_ client: Client) -> Session? {
        if sessions.count >= Self.sessionLimit,
            let oldest = sessions.values.min(by: { $0.lastUse < $1.lastUse })
        {
            end(oldest)
        }
        guard budget.take() else { return nil }
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let made = Glibc.socket(target.family, kind, 0)
        guard made >= 0 else {
            budget.giveBack()
            return nil
        }
        let session = Session(client, SharedDescriptor(Descriptor(owning: made)))
        guard target.connect(made) == 0, (try? loop.add(made, self)) != nil else {
            budget.giveBack()
            return nil
        }
        sessions[client] = session
        byDescriptor[made] = session
        startTimer()
        return session
    }

    private func startTimer() {
        guard !hasTimer else { return }
        hasTimer = true
        loop.every { [weak self] in
            guard let self, !isClosed else { return false }
            let limit = EventLoop.now - Self.idleLimit
            for session in sessions.values where session.lastUse < limit { end(session) }
            hasTimer = !sessions.isEmpty
            return hasTimer
        }
    }

    private func end(_ session: Session) {
        guard sessions.removeValue(forKey: session.client) != nil else { return }
        byDescriptor[session.socket.rawValue] = nil
        loop.remove(session.socket.rawValue)
        budget.giveBack()
    }

    func resume() {}

    func close() {
        isClosed = true
        loop.remove(socket.rawValue)
        for session in sessions.values { end(session) }
    }
}
