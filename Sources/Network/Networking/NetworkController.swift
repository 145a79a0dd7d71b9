import Glibc
import LinuxKernel
package import Logging
import Netlink
import OCIModel
import Synchronization

/// The networks of one daemon instance: its bridges, its nftables table, its addresses and its published ports.
///
/// Blocking and safe to call from any thread. Allocation and rules are serial, what happens inside a container's
/// namespace is not. Durable here are the networks themselves; the engine keeps each `Endpoint` with its container and
/// hands the live ones back after a restart.
package final class NetworkController: Sendable {
    /// What `start` makes and `shutdown` takes away.
    struct Running: Sendable {
        var records: [NetworkRecord] = []
        /// By network id. A network of which nothing could be made, as without its parent interface, is not here.
        var standing: [String: any StandingNetwork] = [:]
        /// Made with the first bridge.
        var watcher: FirewallWatcher?
        var forwarder: Forwarder?
        var names: NameServer?
        var worker: WorkerThread
        var routes: RouteClient
        /// Endpoints between `allocate` and `release`, by id.
        var endpoints: [String: Endpoint] = [:]
        /// Networks whose first container has been looked at, for what stands in its way.
        var examined: Set<String> = []
        /// What was found and logged.
        var loggedFindings: Set<String> = []
    }

    package let configuration: NetworkConfiguration
    let logger: Logger
    let firewall: Firewall
    let sources: SourceGuard
    let ports: PortMapper
    let running = Mutex<Running?>(nil)
    /// Held while networks are made and removed.
    let store = Mutex<NetworkStore?>(nil)
    let forwarder: Slot<Forwarder>
    private let worker: Slot<WorkerThread>
    /// nil unless the instance stands in for Docker.
    private let mirror: IptablesMirror?
    private let parentUses = ParentUses()

    /// Names for the containers of user-defined networks; nil where no `skiff-net` is configured, and before `start`.
    package var names: NameServer? { running.withLock { $0?.names } }

    /// Checks the configuration; touches nothing yet.
    /// - Throws: `NetworkError` (`invalidConfiguration`)
    package init(_ configuration: NetworkConfiguration, logger: Logger) throws(NetworkError) {
        try configuration.validate()
        self.configuration = configuration
        self.logger = logger
        do throws(SystemCallError) {
            mirror = configuration.mirrorsIptables ? try IptablesMirror(logger: logger) : nil
        } catch {
            throw NetworkError(.kernel, "cannot set up the networks: \(error)", cause: error)
        }
        firewall = Firewall(table: configuration.instance, mirror: mirror, logger: logger)
        let forwarder = Slot<Forwarder>()
        self.forwarder = forwarder
        sources = SourceGuard(table: configuration.instance, logger: logger)
        let worker = Slot<WorkerThread>()
        self.worker = worker
        ports = PortMapper {
            // Without a descriptor for the wait, the socket's own error tells.
            try? worker.value?.flush()
            forwarder.value?.settle()
        }
    }

    /// Makes the bridges, the kernel settings and the table, takes the endpoints of containers that are alive back, and
    /// removes what else carries this instance's name. To be called once, before anything else.
    /// - Parameters:
    ///   - existing: the endpoints of containers that survived the last daemon
    ///   - resolvers: how those of them that are on networks with names are answered
    package func start(
        existing: [Endpoint], resolvers: [ContainerResolver] = []
    ) throws(NetworkError) {
        do {
            try makeDirectories(configuration.runDirectory, mode: 0o700)
            let routes = try RouteClient()
            var state = Running(worker: WorkerThread(try WakeSignal()), routes: routes)
            var store = try NetworkStore(directory: configuration.stateDirectory)
            try raise(&state, &store, existing)
            try startForwarder(existing, resolvers, &state)
            for endpoint in existing { state.endpoints[endpoint.id] = endpoint }
            try state.worker.start()
            worker.set(state.worker)
            let (started, kept) = (state, store)
            self.store.withLock { $0 = kept }
            running.withLock { $0 = started }
            if !existing.isEmpty { logFindings() }
        } catch let error as NetworkError {
            throw error
        } catch {
            throw NetworkError(.kernel, "cannot set up the networks: \(error)", cause: error)
        }
    }

    private func raise(
        _ state: inout Running, _ store: inout NetworkStore, _ existing: [Endpoint]
    ) throws {
        if let name = configuration.bridgeName {
            try raiseDefaultBridge(name, &state, &store, existing)
        }
        for (name, driver) in [("host", NetworkRecord.Driver.host), ("none", .null)] {
            state.records.append(try Self.predefined(name, driver, &store))
        }
        for record in store.records {
            state.records.append(record)
            raise(record, &state)
        }
        for endpoint in existing {
            state.standing[endpoint.networkID]?.addresses.adopt(endpoint)
            ports.adopt(endpoint)
        }
        if state.standing.values.contains(where: { $0.hostSide != nil }) {
            try startFirewall(&state, existing)
        }
        try removeOrphans(state, existing)
    }

    private func raiseDefaultBridge(
        _ name: String, _ state: inout Running, _ store: inout NetworkStore, _ existing: [Endpoint]
    ) throws(NetworkError) {
        let settings = try DefaultBridge(configuration: configuration, routes: state.routes).settings(
            name, inUse: store.records.flatMap(\.subnets))
        var record = try Self.predefined("bridge", .bridge, &store)
        record.describe(settings, configuration)
        let driver = BridgeDriver(configuration: configuration, routes: state.routes)
        state.standing[record.id] = try driver.stand(record, settings)
        state.records.append(record)
    }

    /// One network that cannot be had, as where its parent interface is gone, does not keep the others from working.
    private func raise(_ record: NetworkRecord, _ state: inout Running) {
        guard !record.configOnly else { return }
        do throws(NetworkError) {
            state.standing[record.id] = try driver(record.driver, state.routes)?.stand(record)
        } catch {
            logger.error(
                "network not set up", metadata: ["network": "\(record.name)", "cause": "\(error.message)"])
        }
    }

    private static func predefined(
        _ name: String, _ driver: NetworkRecord.Driver, _ store: inout NetworkStore
    ) throws(NetworkError) -> NetworkRecord {
        let identity = try store.identity(name)
        return NetworkRecord(name: name, id: identity.id, created: identity.created, driver: driver)
    }

    /// - Returns: nil for the drivers `host` and `null`, which make nothing
    func driver(_ kind: NetworkRecord.Driver, _ routes: RouteClient) -> (any NetworkDriver)? {
        switch kind {
        case .bridge: BridgeDriver(configuration: configuration, routes: routes)
        case .macvlan: MacvlanDriver(parents: parents(routes), routes: routes)
        case .ipvlan: IPvlanDriver(parents: parents(routes), routes: routes)
        case .host, .null: nil
        }
    }

    private func parents(_ routes: RouteClient) -> ParentInterfaces {
        ParentInterfaces(
            parentUses, routes: routes, instance: configuration.instance, logger: logger)
    }

    // MARK: The table and what belongs to it

    /// Writes the table for the bridges that stand, and watches it.
    func startFirewall(_ state: inout Running, _ existing: [Endpoint]) throws {
        let bridged = state.standing.values.filter { $0.hostSide != nil }
        var model = FirewallModel()
        for side in bridged.compactMap(\.hostSide) { model.bridges[side.bridge.name] = side.bridge }
        let published = existing.filter { !$0.ports.isEmpty }
        for endpoint in published { model.ports[endpoint.id] = FirewallModel.Port.all(of: endpoint) }
        do throws(SystemCallError) {
            try firewall.replace(with: model)
        } catch {
            // Nothing of a network that cannot be had.
            if existing.isEmpty { bridged.forEach(remove) }
            guard [EOPNOTSUPP, ENOENT, EPROTONOSUPPORT, EAFNOSUPPORT].contains(error.errno) else {
                throw error
            }
            let names = model.bridges.keys.sorted().joined(separator: ", ")
            throw NetworkError(
                .unsupported,
                "cannot set up bridge network \(names): this kernel lacks parts of nftables that address translation needs "
                    + "(nf_tables, nft_chain_nat, nft_masq, nft_fib_inet): load these modules, or start with --bridge none, "
                    + "which leaves containers --network none, host and container:NAME (\(error))",
                cause: error)
        }
        try sources.replace(with: guarded(existing, state))
        let watcher = try FirewallWatcher(firewall, sources, logger: logger)
        try watcher.start()
        try mirror?.start()
        state.watcher = watcher
    }

    /// What containers on bridges send under, by endpoint id.
    private func guarded(_ endpoints: [Endpoint], _ state: Running) -> [String: SourceGuard.Source] {
        var sources: [String: SourceGuard.Source] = [:]
        for endpoint in endpoints {
            sources[endpoint.id] = state.standing[endpoint.networkID]?.source(of: endpoint)
        }
        return sources
    }

    /// Looks for the `skiff-net` that an earlier daemon left, and has it hold what is alive.
    private func startForwarder(
        _ existing: [Endpoint], _ resolvers: [ContainerResolver], _ state: inout Running
    ) throws {
        guard let executable = configuration.forwarderPath else { return }
        let process = ForwarderProcess(
            executable: executable, directory: configuration.runDirectory, instance: configuration.instance,
            resolverFile: configuration.resolverFile)
        let started = try Forwarder(process, logger: logger)
        let names = NameServer(started)
        for endpoint in existing where !endpoint.names.isEmpty { names.set(EndpointNames(endpoint)) }
        for resolver in resolvers { names.adopt(Self.completed(resolver, state.records)) }
        try started.start(existing: existing.flatMap { ForwardedPort.all(of: $0) })
        state.forwarder = started
        state.names = names
        forwarder.set(started)
    }

    /// Interfaces that no container or network has any more: what a crash left between making one and recording it, or
    /// between forgetting one and deleting it.
    private func removeOrphans(_ state: Running, _ existing: [Endpoint]) throws(SystemCallError) {
        try parents(state.routes).removeOrphans()
        let bridges = Set(state.standing.values.compactMap { $0.hostSide?.index })
        let kept = Set(existing.map(\.hostInterfaceName))
        let mark = "skiff:\(configuration.instance):"
        let known = Set(state.records.map { mark + $0.id })
        let orphans = try state.routes.links().filter { link in
            if let alias = link.alias, alias.hasPrefix(mark) { return !known.contains(alias) }
            return link.kind == "veth" && link.master.map(bridges.contains) == true
                && link.name.hasPrefix("veth") && link.name.utf8.count == 11 && !kept.contains(link.name)
        }
        for orphan in orphans {
            logger.info(
                "removing an interface without an owner", metadata: ["interface": "\(orphan.name)"])
            state.worker.add { [logger, routes = state.routes] in
                do throws(SystemCallError) {
                    try routes.perform { $0.deleteLink(orphan.name) }
                } catch {
                    logger.warning("interface not removed", metadata: ["cause": "\(error)"])
                }
            }
        }
    }

    /// Stops the threads of the controller.
    /// - Parameter removeAll: also deletes table, interfaces and forwarder, unless a container still uses them; false
    ///   leaves everything working for the containers that go on without a daemon
    package func shutdown(removeAll: Bool) {
        let stopped = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let stopped else { return }
        let isUnused = stopped.endpoints.values.allSatisfy { stopped.standing[$0.networkID] == nil }
        stopped.watcher?.stop()
        forwarder.set(nil)
        stopped.forwarder?.stop(endProcess: isUnused)
        stopped.worker.finish()
        if stopped.watcher != nil { mirror?.stop(removing: removeAll && isUnused) }
        guard removeAll, isUnused else { return }
        do throws(SystemCallError) {
            if stopped.watcher != nil {
                try firewall.remove()
                try sources.remove()
            }
        } catch {
            logger.error("nftables table not removed", metadata: ["cause": "\(error)"])
        }
        for network in stopped.standing.values { remove(network) }
    }

    private func remove(_ network: any StandingNetwork) {
        do throws(SystemCallError) {
            try network.remove()
        } catch {
            logger.error(
                "network's interface not removed",
                metadata: ["network": "\(network.record.name)", "cause": "\(error)"])
        }
    }
}

/// A value that is there only some of the time, shared with closures that outlive their making.
final class Slot<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)

    var value: Value? { content.withLock { $0 } }

    func set(_ value: Value?) { content.withLock { $0 = value } }
}
