import CLinux
import Glibc
import LinuxKernel

/// Accepts the connections of one port and relays each to the container.
final class TCPListener: PortListener, EventHandler {
    private let socket: SharedDescriptor
    private let target: SocketAddress
    private let loop: EventLoop
    private let budget: ConnectionBudget
    private var relays: [ObjectIdentifier: TCPRelay] = [:]
    private var isWaiting = false
    private var isClosed = false

    init(
        _ socket: SharedDescriptor, _ target: SocketAddress, _ loop: EventLoop, _ budget: ConnectionBudget
    ) throws(SystemCallError) {
        self.socket = socket
        self.target = target
        self.loop = loop
        self.budget = budget
        try loop.add(socket.rawValue, self)
    }

    func handle(_ events: Events, on descriptor: Int32) { acceptAll() }

    private func acceptAll() {
        for _ in 0..<64 {
            guard !isClosed else { return }
            guard budget.take() else {
                isWaiting = true
                return
            }
            let accepted = skiff_accept_nonblocking(socket.rawValue)
            guard accepted >= 0 else {
                budget.giveBack()
                if accepted == -EMFILE || accepted == -ENFILE || accepted == -ENOMEM || accepted == -ENOBUFS {
                    isWaiting = true
                    budget.waitForRelease()
                }
                // A connection that broke off while it waited.
                if accepted == -ECONNABORTED || accepted == -EINTR { continue }
                return
            }
            relay(Descriptor(owning: accepted))
        }
        loop.later { [weak self] in self?.acceptAll() }
    }

    private func relay(_ client: consuming Descriptor) {
        do throws(SystemCallError) {
            let relay = try TCPRelay(client, to: target, loop) { [weak self, budget] relay in
                self?.relays[ObjectIdentifier(relay)] = nil
                budget.giveBack()
            }
            relays[ObjectIdentifier(relay)] = relay
            try relay.start()
        } catch {
            // No socket for the container's side: the client's was reset.
        }
    }

    func resume() {
        guard isWaiting else { return }
        isWaiting = false
        loop.later { [weak self] in self?.acceptAll() }
    }

    func close() {
        isClosed = true
        loop.remove(socket.rawValue)
        for relay in relays.values { relay.abort() }
        relays = [:]
    }
}
