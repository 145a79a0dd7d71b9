import Glibc
import LinuxKernel
import Logging
import Synchronization

/// Keeps the instance's `skiff-net` in step with the ports that are published and the names that containers are told,
/// starts it when the first one is needed, and again should it die. Nobody who publishes a port waits for it.
final class Forwarder: Sendable {
    private struct Wanted {
        var ports: [String: ForwardedPort] = [:]
        /// Keys that the process has not heard of yet, and that it has to drop.
        var toAdd: Set<String> = []
        var toRemove: Set<String> = []
        var names = WantedNames()
        var isEnding = false

        /// Whether the process has something to do.
        var isBusy: Bool { !ports.isEmpty || !names.resolvers.isEmpty }
    }

    private struct Link: ~Copyable {
        var connection: ForwarderConnection?
        var process: pid_t?
        /// Whether a process that an earlier daemon left was looked for.
        var hasLooked = false
    }

    /// The oldest process that does all that is asked of one.
    private static let neededVersion: Int64 = 2

    private let process: ForwarderProcess
    private let logger: Logger
    private let wanted = Mutex(Wanted())
    private let link = Mutex(Link())
    /// The nftables table in containers.
    let namesTable: String
    private let wake: WakeSignal
    private let thread = PosixThread()

    init(_ process: ForwarderProcess, logger: Logger) throws(SystemCallError) {
        self.process = process
        self.logger = logger
        namesTable = ResolverSockets.table(instance: process.instance)
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

    /// Changes what is told about names.
    /// - Parameter body: returns whether something changed
    func changeNames(_ body: (inout WantedNames) -> Bool) {
        if wanted.withLock({ body(&$0.names) }) { wake.set() }
    }

    func isAnswering(_ container: String) -> Bool {
        wanted.withLock { $0.names.resolvers[container] != nil }
    }

    /// Waits until the process knows all that was asked for; it may have to be started for that.
    func deliver() throws(SystemCallError) {
        // It may have died without anybody having noticed yet.
        var rest = 3
        while true {
            do throws(SystemCallError) {
                if !(try bringInStep()) { wake.set() }
                return
            } catch {
                rest -= 1
                guard rest > 0 else { throw error }
            }
        }
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
        guard endProcess, wanted.withLock({ !$0.isBusy }) else { return }
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
            if let process = link.process, waitpid(process, nil, WNOHANG) == process { link.process = nil }
            logger.warning("skiff-net ended; starting it again")
        }
    }

    /// Brings the process in step; false where that failed and has to be tried again.
    @discardableResult
    private func reconcile() -> Bool {
        do throws(SystemCallError) {
            return try bringInStep()
        } catch {
            logger.error("skiff-net is out of reach", metadata: ["cause": "\(error)"])
            return false
        }
    }

    /// - Returns: whether nothing is left that has to be tried again
    private func bringInStep() throws(SystemCallError) -> Bool {
        try link.withLock { (link: inout Link) throws(SystemCallError) in
            do throws(SystemCallError) {
                try connect(&link)
                guard let connection = link.connection else { return true }
                let (removals, additions) = wanted.withLock { state in
                    (state.toRemove, state.toAdd.compactMap { state.ports[$0] })
                }
                if !removals.isEmpty { try connection.remove(Array(removals)) }
                wanted.withLock { $0.toRemove.subtract(removals) }
                try add(additions, connection)
                return try bringNames(connection)
            } catch {
                link.connection = nil
                throw error
            }
        }
    }

    private func connect(_ link: inout Link) throws(SystemCallError) {
        guard link.connection == nil else { return }
        let isNeeded = wanted.withLock { $0.isBusy }
        if isNeeded || !link.hasLooked {
            link.hasLooked = true
            var held = try reach(&link, isNeeded: isNeeded)
            if let old = held, old.version < Self.neededVersion {
                // An earlier daemon's. What it held is held again by the next one.
                try link.connection?.end()
                link.connection?.waitForEnd()
                link.connection = nil
                held = try reach(&link, isNeeded: isNeeded)
            }
            if let held {
                return wanted.withLock {
                    $0.toRemove.formIntersection(held.ports)
                    $0.toAdd.formUnion($0.ports.keys.filter { !held.ports.contains($0) })
                    $0.names.resume(held.resolvers)
                }
            }
        }
        wanted.withLock {
            $0.toRemove = []
            $0.names.forgetRemovals()
        }
    }

    /// Connects to the process, started where it is needed, and has it drop what is not wanted.
    /// - Returns: what it holds; nil where none runs and none is needed
    private func reach(
        _ link: inout Link, isNeeded: Bool
    ) throws(SystemCallError) -> ForwarderConnection.Held? {
        var descriptor = try process.connect()
        if descriptor == nil, isNeeded {
            // It listens as long as it lives.
            if let ended = link.process { waitpid(ended, nil, 0) }
            link.process = nil
            link.process = try process.start()
            descriptor = try process.connect()
        }
        guard let descriptor else { return nil }
        let connection = try ForwarderConnection(descriptor)
        link.connection = connection
        let (ports, endpoints, containers) = wanted.withLock {
            (Array($0.ports.keys), Array($0.names.endpoints.keys), Array($0.names.resolvers.keys))
        }
        return try connection.synchronize(ports: ports, endpoints: endpoints, containers: containers)
    }

    private func bringNames(_ connection: ForwarderConnection) throws(SystemCallError) -> Bool {
        // Taken, not kept: a failure ends the connection, and the next one is told everything.
        let changes = wanted.withLock { $0.names.takeChanges() }
        guard !changes.isEmpty else { return true }
        try connection.end(changes.ended)
        try connection.change(names: changes.names, removed: changes.removed)
        try connection.update(changes.updated)
        var isComplete = true
        var ready: [(ContainerResolver, ResolverSockets)] = []
        for (resolver, sockets) in changes.served {
            do throws(SystemCallError) {
                if let sockets {
                    ready.append((resolver, sockets))
                } else {
                    ready.append((resolver, try ResolverSockets.reopen(resolver, table: namesTable)))
                }
            } catch {
                let hasEnded = error.errno == ESRCH || error.errno == ENOENT
                wanted.withLock { $0.names.giveUp(resolver, forGood: hasEnded) }
                // Whoever started a container that has ended will say so.
                guard !hasEnded else { continue }
                isComplete = false
                logger.error(
                    "names not answered",
                    metadata: ["container.id": "\(resolver.container)", "cause": "\(error)"])
            }
        }
        try connection.serve(ready)
        return isComplete
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
