import Glibc
import LinuxKernel
import Logging
import Synchronization

/// Keeps the instance's `skiff-net` in step with the ports that are published, starts it when the first one is, and
/// again should it die. Nobody who starts a container waits for it.
final class Forwarder: Sendable {
    private struct Wanted {
        var ports: [String: ForwardedPort] = [:]
        /// Keys that the process has not heard of yet, and that it has to drop.
        var toAdd: Set<String> = []
        var toRemove: Set<String> = []
        var isEnding = false
    }

    private struct Link: ~Copyable {
        var connection: ForwarderConnection?
        var process: pid_t?
        /// Whether a process that an earlier daemon left was looked for.
        var hasLooked = false
    }

    private let process: ForwarderProcess
    private let logger: Logger
    private let wanted = Mutex(Wanted())
    private let link = Mutex(Link())
    private let wake: WakeSignal
    private let thread = PosixThread()

    init(_ process: ForwarderProcess, logger: Logger) throws(SystemCallError) {
        self.process = process
        self.logger = logger
        wake = try WakeSignal()
    }

    /// Starts keeping step, beginning with the ports of containers that survived the last daemon.
    func start(existing: [ForwardedPort]) throws(SystemCallError) {
        wanted.withLock { for port in existing { $0.ports[port.key] = port } }
        try thread.start { [self] in run() }
    }

    func add(_ ports: [ForwardedPort]) {
        guard !ports.isEmpty else { return }
        wanted.withLock {
            for port in ports {
                $0.ports[port.key] = port
                $0.toAdd.insert(port.key)
            }
        }
        wake.set()
    }

    func remove(endpoint: String) { remove { $0.endpoint == endpoint } }

    /// Has some ports of an endpoint dropped.
    func remove(_ ports: [PublishedPort], endpoint: String) {
        remove { held in
            held.endpoint == endpoint
                && ports.contains {
                    $0.hostPort == held.hostPort && $0.transport == held.transport
                        && held.hostAddresses.contains($0.hostAddress)
                }
        }
    }

    private func remove(where isGone: (ForwardedPort) -> Bool) {
        let isChanged = wanted.withLock { state in
            let keys = state.ports.values.filter(isGone).map(\.key)
            for key in keys {
                state.ports[key] = nil
                state.toAdd.remove(key)
                state.toRemove.insert(key)
            }
            return !keys.isEmpty
        }
        if isChanged { wake.set() }
    }

    /// Waits until removals that were asked for are done.
    func settle() {
        if wanted.withLock({ !$0.toRemove.isEmpty }) { reconcile() }
    }

    /// Ends keeping step.
    /// - Parameter endProcess: whether the process ends too, which it may where it holds no port
    func stop(endProcess: Bool) {
        wanted.withLock { $0.isEnding = true }
        wake.set()
        thread.join()
        reconcile()
        guard endProcess, wanted.withLock({ $0.ports.isEmpty }) else { return }
        link.withLock { link in
            guard let connection = link.connection else { return }
            do throws(SystemCallError) {
                try connection.end()
                link.connection = nil
                if let process = link.process { waitpid(process, nil, 0) }
                unlink("\(process.directory)/\(ForwarderProcess.socketName)")
            } catch {
                logger.warning("skiff-net did not end", metadata: ["cause": "\(error)"])
            }
        }
    }

    private func run() {
        while true {
            let isWorking = reconcile()
            if wanted.withLock({ $0.isEnding }) { return }
            let connection = link.withLock { $0.connection?.rawValue ?? -1 }
            var sources = [
                pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: connection, events: Int16(POLLIN), revents: 0),
            ]
            // After a failure again, a little later.
            guard poll(&sources, 2, isWorking ? -1 : 1000) >= 0 || errno == EINTR else { return }
            if sources[0].revents != 0 { wake.wait() }
            // It says nothing unasked, so this is its end.
            if sources[1].revents != 0 { lose(connection) }
        }
    }

    private func lose(_ descriptor: Int32) {
        link.withLock { link in
            guard link.connection?.rawValue == descriptor else { return }
            var probe: UInt8 = 0
            guard recv(descriptor, &probe, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) <= 0 else { return }
            link.connection = nil
            if let process = link.process { waitpid(process, nil, WNOHANG) }
            link.process = nil
            logger.warning("skiff-net ended; starting it again")
        }
    }

    /// Brings the process in step; false where that failed and has to be tried again.
    @discardableResult
    private func reconcile() -> Bool {
        link.withLock { link in
            do throws(SystemCallError) {
                try connect(&link)
                guard let connection = link.connection else { return true }
                let (removals, additions) = wanted.withLock { state in
                    (state.toRemove, state.toAdd.compactMap { state.ports[$0] })
                }
                if !removals.isEmpty { try connection.remove(Array(removals)) }
                wanted.withLock { $0.toRemove.subtract(removals) }
                try add(additions, connection)
                return true
            } catch {
                link.connection = nil
                logger.error("skiff-net is out of reach", metadata: ["cause": "\(error)"])
                return false
            }
        }
    }

    private func connect(_ link: inout Link) throws(SystemCallError) {
        guard link.connection == nil else { return }
        let isNeeded = wanted.withLock { !$0.ports.isEmpty }
        guard isNeeded || !link.hasLooked else {
            wanted.withLock { $0.toRemove = [] }
            return
        }
        link.hasLooked = true
        var descriptor = try process.connect()
        if descriptor == nil, isNeeded {
            link.process = try process.start()
            descriptor = try process.connect()
        }
        if let descriptor { link.connection = try ForwarderConnection(descriptor) }
        guard let connection = link.connection else {
            wanted.withLock { $0.toRemove = [] }
            return
        }
        let keys = wanted.withLock { Array($0.ports.keys) }
        let held = try connection.synchronize(keys)
        wanted.withLock {
            $0.toRemove.subtract($0.toRemove.filter { !held.contains($0) })
            $0.toAdd.formUnion($0.ports.keys.filter { !held.contains($0) })
        }
    }

    private func add(_ ports: [ForwardedPort], _ connection: ForwarderConnection) throws(SystemCallError) {
        guard !ports.isEmpty else { return }
        var ready: [ForwardedPort] = []
        for var port in ports {
            do throws(SystemCallError) {
                // The socket went down with the process that had it.
                if port.socket == nil {
                    port.socket = try HostPortSocket.bind(
                        port.hostAddresses, port: port.hostPort, transport: port.transport)
                }
                ready.append(port)
            } catch {
                logger.error(
                    "a published port cannot be held", metadata: ["port": "\(port.key)", "cause": "\(error)"])
            }
        }
        try connection.add(ready)
        wanted.withLock { state in
            for port in ports {
                state.toAdd.remove(port.key)
                state.ports[port.key]?.socket = nil
            }
        }
    }
}
