import Glibc
import LinuxKernel

/// A host port that is served here.
protocol PortListener: AnyObject {
    /// Stops serving: closes the port and what goes through it.
    func close()
    /// Goes on accepting after descriptors became free.
    func resume()
}

/// The ports that the daemon handed over, by key, and the limit that they share.
final class ForwardedPorts {
    private var listeners: [String: any PortListener] = [:]
    private let loop: EventLoop
    let budget: ConnectionBudget

    init(_ loop: EventLoop) {
        self.loop = loop
        budget = ConnectionBudget()
        budget.onRelease = { [unowned self] in
            for listener in listeners.values { listener.resume() }
        }
    }

    var keys: [String] { listeners.keys.sorted() }

    /// Serves a port. One of that key is replaced: the daemon only sends it again when it made a new socket.
    func add(
        _ key: String, isStream: Bool, socket: SharedDescriptor, target: SocketAddress
    ) throws(SystemCallError) {
        listeners.removeValue(forKey: key)?.close()
        listeners[key] =
            isStream
            ? try TCPListener(socket, target, loop, budget) : try UDPListener(socket, target, loop, budget)
    }

    func remove(_ key: String) { listeners.removeValue(forKey: key)?.close() }

    func removeAll(except keys: Set<String>) {
        for key in listeners.keys where !keys.contains(key) { remove(key) }
    }
}

/// How many connections and UDP sessions there may be in all. Beyond it, clients wait in the kernel's queues.
final class ConnectionBudget {
    private var free: Int
    private var isExhausted = false
    var onRelease: () -> Void = {}

    init() {
        // Half of the descriptors for connections (two each), the other half for ports, names and control.
        free = max(16, descriptorLimit() / 4)
    }

    func take() -> Bool {
        guard free > 0 else {
            isExhausted = true
            return false
        }
        free -= 1
        return true
    }

    /// To be told when one is given back, although one could be taken: descriptors ran out elsewhere.
    func waitForRelease() { isExhausted = true }

    func giveBack() {
        free += 1
        guard isExhausted else { return }
        isExhausted = false
        onRelease()
    }
}

/// How many descriptors this process may have.
func descriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(7), &limit) == 0 else { return 1024 }
    return Int(clamping: min(limit.rlim_cur, 65536))
}
