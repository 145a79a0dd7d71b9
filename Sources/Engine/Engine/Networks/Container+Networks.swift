import Glibc
import LinuxKernel
import Networking
import OCIModel
import ShimProtocol

/// Networks of a container that exists: of a running one at once, with its process untouched.
extension Container {
    func connect(_ reference: String, _ connection: NetworkConnection) async throws {
        try await gate.run { try await self.connectNow(reference, connection) }
    }

    func disconnect(_ reference: String) async throws {
        try await gate.run { try await self.disconnectNow(reference) }
    }

    /// With the gate held.
    private func connectNow(_ reference: String, _ wanted: NetworkConnection) async throws {
        try requireNotRemoved("connected to networks")
        let record = try parts.network.network(reference)
        try checkMode(record)
        var connection = wanted
        connection.network = record.name
        try connection.validate()
        let connections = spec.network.endpoints
        guard !connections.contains(where: { $0.network == record.name }) else {
            throw EngineError(
                .wrongState, "endpoint with name \(name) already exists in network \(record.name)",
                category: .permissionDenied)
        }
        guard state.isRunning else {
            return try await commit(.powerCut) { $0.changes.connections = connections + [connection] }
        }
        let namespace = try await openNamespace()
        let (before, added) = (progress.endpoints, connection)
        let endpoint = try await parts.pool.run { try self.allocate(added, beside: before, ports: []) }
        do {
            try await settleNetworks(
                before + [endpoint], connections + [connection], namespace: namespace, joining: endpoint)
        } catch {
            await takeBack(endpoint, before, connections, namespace)
            throw error
        }
        publishNetwork("connect", endpoint)
    }

    private func checkMode(_ record: NetworkRecord) throws(EngineError) {
        func refusal(_ message: String) -> EngineError {
            EngineError(.wrongState, message, category: .invalidArgument)
        }
        let isOnHost = spec.network.endpoints.contains { $0.network == "host" }
        var sharesNamespace = isOnHost && record.driver != .host
        if case .container = spec.network.mode { sharesNamespace = true }
        if sharesNamespace {
            throw refusal(
                "container sharing network namespace with another container or host cannot be connected to any "
                    + "other network")
        }
        if record.driver == .host {
            throw refusal(
                "container cannot be disconnected from host network or connected to host network")
        }
        if record.name == "none" || spec.network.endpoints.contains(where: { $0.network == "none" }) {
            throw refusal(
                "container cannot be connected to multiple networks with one of the networks in private (none) mode"
            )
        }
    }

    private func requireNotRemoved(_ what: String) throws(EngineError) {
        switch state {
        case .removing, .dead:
            throw EngineError(
                .wrongState, "Container \(id) is marked for removal and cannot be \(what)")
        case .restarting, .created, .starting, .exited, .running, .paused: return
        }
    }

    private func takeBack(
        _ endpoint: Endpoint, _ before: [Endpoint], _ connections: [NetworkConnection],
        _ namespace: SharedDescriptor
    ) async {
        let network = parts.network
        do {
            try await parts.pool.run {
                try? network.detach(endpoint, namespace: namespace.rawValue)
                network.release(endpoint)
                try network.route(before, namespace: namespace.rawValue)
            }
            try await hold(before, connections)
        } catch {
            log("cannot take a failed connection to a network back", error)
        }
    }

    /// With the gate held.
    private func disconnectNow(_ reference: String) async throws {
        try requireNotRemoved("disconnected from networks")
        let connections = spec.network.endpoints
        // The network may be gone already: its name is enough then.
        let name = (try? parts.network.network(reference))?.name ?? reference
        if name == "host", connections.contains(where: { $0.network == "host" }) {
            throw EngineError(
                .wrongState,
                "container cannot be disconnected from host network or connected to host network",
                category: .invalidArgument)
        }
        guard connections.contains(where: { $0.network == name }) else {
            _ = try parts.network.network(reference)
            throw EngineError(
                .wrongState,
                "container \(id) is not connected to \(state.isRunning ? "" : "the ")network \(name)",
                category: .permissionDenied)
        }
        let left = connections.filter { $0.network != name }
        guard state.isRunning, let endpoint = progress.endpoints.first(where: { $0.networkName == name })
        else {
            return try await commit(.powerCut) { $0.changes.connections = left }
        }
        let namespace = try await openNamespace()
        try await settleNetworks(
            progress.endpoints.filter { $0.id != endpoint.id }, left, namespace: namespace, leaving: endpoint)
        publishNetwork("disconnect", endpoint)
    }

    /// Records which networks the container is on, and brings interfaces, default routes, published ports and names in step. What
    /// the record says is what a restarted engine makes true.
    private func settleNetworks(
        _ held: [Endpoint], _ connections: [NetworkConnection], namespace: SharedDescriptor,
        joining: Endpoint? = nil, leaving: Endpoint? = nil
    ) async throws {
        var endpoints = held
        GatewayChoice.mark(&endpoints, priorities: gatewayPriorities(connections))
        let (marked, network) = (endpoints, parts.network)
        let joined = joining.flatMap { joining in marked.first { $0.id == joining.id } }
        try await hold(marked, connections)
        guard state.isRunning else { throw EngineError(.wrongState, "Container \(id) is not running") }
        let publisher = publisher(connections).map { connections[$0].network }
        let requests = try spec.network.portRequests(exposed: spec.exposedPorts)
        let settled = try await parts.pool.run {
            if let joined { try network.attach(joined, namespace: namespace.rawValue) }
            if let leaving {
                try network.detach(leaving, namespace: namespace.rawValue)
                network.release(leaving)
            }
            try network.route(marked, namespace: namespace.rawValue)
            var moved = marked
            try network.movePorts(
                to: publisher, among: &moved, taking: leaving?.ports ?? [],
                requests: requests)
            return moved
        }
        if settled != marked { try await hold(settled) }
        let process = state.runningState?.pid
        try await parts.pool.run {
            try self.writeOwnNames(joined: joined, left: leaving)
            if let process { try self.answer(settled, process: process) }
        }
    }

    /// Records what a container has of networks; one that has ended meanwhile holds no place on them.
    func hold(_ endpoints: [Endpoint], _ connections: [NetworkConnection]? = nil) async throws {
        try await commit(.powerCut) { progress in
            if progress.state.isRunning { progress.endpoints = endpoints }
            if let connections { progress.changes.connections = connections }
        }
    }

    /// The container's own lines in its hosts file follow its addresses.
    private nonisolated func writeOwnNames(joined: Endpoint?, left: Endpoint?) throws {
        let path = parts.paths(of: self).hosts
        let own = NameConfiguration.ownNames(
            hostname: spec.network.hostname, domainname: spec.network.domainname)
        for address in left?.addresses ?? [] { try HostsLines.remove(address, own, in: path) }
        for address in joined?.addresses ?? [] { try HostsLines.add(address, own, in: path) }
    }

    /// The network namespace of the running process.
    func openNamespace() async throws -> SharedDescriptor {
        let session = try requireSession()
        guard let running = state.runningState else {
            throw EngineError(.wrongState, "Container \(id) is not running")
        }
        let path = "/proc/\(running.pid)/ns/net"
        let descriptor: SharedDescriptor
        do {
            descriptor = try await parts.pool.run { SharedDescriptor(try openFile(path, O_RDONLY)) }
        } catch {
            throw EngineError(.wrongState, "Container \(id) is not running", cause: error)
        }
        // Only now is it sure that the number was still the container's.
        guard case .state(let found) = try await ask(session, .state), found.pid == running.pid,
            found.status == .running || found.status == .paused
        else { throw EngineError(.wrongState, "Container \(id) is not running") }
        return descriptor
    }

    /// Puts right what a crash or another program has taken from the networks of a container that runs.
    func repairNetworks() async {
        let endpoints = progress.endpoints
        guard endpoints.contains(where: { $0.driver != .host && $0.driver != .null }) else { return }
        let (network, spec) = (parts.network, spec)
        let publisher = publisher(spec.network.endpoints).map { spec.network.endpoints[$0].network }
        do {
            let namespace = try await openNamespace()
            let requests = try spec.network.portRequests(exposed: spec.exposedPorts)
            let settled = try await parts.pool.run {
                try network.repair(endpoints, namespace: namespace.rawValue)
                var moved = endpoints
                try network.movePorts(to: publisher, among: &moved, taking: [], requests: requests)
                return moved
            }
            if settled != endpoints { try await hold(settled) }
        } catch {
            log("cannot look after a container's networks", error)
        }
    }
}
