import Glibc
import LinuxKernel
package import Logging
import Netlink
import OCIModel
import Synchronization

/// The networks of one daemon instance: its bridge, its nftables table, its addresses and its published ports.
///
/// Blocking and safe to call from any thread. Allocation and rules are serial, what happens inside a container's
/// namespace is not. Nothing is durable here but the ids of the networks: the engine keeps each `Endpoint` with its
/// container and hands the live ones back after a restart.
package final class NetworkController: Sendable {
    /// What `start` makes and `shutdown` takes away.
    struct Running: Sendable {
        var records: [NetworkRecord]
        var bridge: BridgeNetwork?
        var watcher: FirewallWatcher?
        var forwarder: Forwarder?
        var worker: WorkerThread
        /// Endpoints between `allocate` and `release`, by id.
        var endpoints: [String: Endpoint] = [:]
    }

    package let configuration: NetworkConfiguration
    let logger: Logger
    let firewall: Firewall
    let ports: PortMapper
    let running = Mutex<Running?>(nil)
    private let forwarder: Slot<Forwarder>
    private let restorations = Slot<@Sendable () -> Void>()

    /// Checks the configuration; touches nothing yet.
    /// - Throws: `NetworkError` (`invalidConfiguration`)
    package init(_ configuration: NetworkConfiguration, logger: Logger) throws(NetworkError) {
        try configuration.validate()
        self.configuration = configuration
        self.logger = logger
        firewall = Firewall(table: configuration.instance, logger: logger)
        let forwarder = Slot<Forwarder>()
        self.forwarder = forwarder
        ports = PortMapper(defaultAddress: configuration.hostBindingAddress) { forwarder.value?.settle() }
    }

    /// Calls `body`, on a thread of its own, whenever the table was restored after another program removed from it.
    package func onRestoration(_ body: @escaping @Sendable () -> Void) { restorations.set(body) }

    /// Makes the bridge, the kernel settings and the table, takes the endpoints of containers that are alive back, and
    /// removes what else carries this instance's name. To be called once, before anything else.
    /// - Parameter existing: the endpoints of containers that survived the last daemon
    package func start(existing: [Endpoint]) throws(NetworkError) {
        var identities = try NetworkIdentities(directory: configuration.stateDirectory)
        do {
            try makeDirectories(configuration.runDirectory, mode: 0o700)
            let worker = WorkerThread(try WakeSignal())
            var state = Running(records: [], worker: worker)
            if let name = configuration.bridgeName {
                try startBridge(name, &identities, existing, &state)
            }
            state.records.append(try record("host", .host, &identities))
            state.records.append(try record("none", .null, &identities))
            for endpoint in existing { state.endpoints[endpoint.id] = endpoint }
            try worker.start()
            let started = state
            running.withLock { $0 = started }
        } catch let error as SystemCallError {
            throw NetworkError(.kernel, "cannot set up the networks: \(error)", cause: error)
        } catch let error as NetworkError {
            throw error
        } catch {
            throw NetworkError(.kernel, "cannot set up the networks: \(error)", cause: error)
        }
    }

    private func startBridge(
        _ name: String, _ identities: inout NetworkIdentities, _ existing: [Endpoint], _ state: inout Running
    ) throws {
        let routes = try RouteClient()
        let interface = try BridgeSetup(configuration: configuration, routes: routes, logger: logger).run(
            name)
        var record = try record("bridge", .bridge, &identities)
        record.describe(interface, configuration)
        let bridge = BridgeNetwork(interface, record: record, configuration: configuration, routes: routes)
        let own = existing.filter { $0.networkID == record.id }
        for endpoint in own {
            bridge.adopt(endpoint)
            ports.adopt(endpoint)
        }
        state.bridge = bridge
        state.records.append(record)

        var model = FirewallModel()
        model.bridges[name] = bridge.firewallBridge(configuration)
        for endpoint in own { model.ports[endpoint.id] = FirewallModel.Port.all(of: endpoint) }
        do throws(SystemCallError) {
            try firewall.replace(with: model)
        } catch {
            // Nothing of a network that cannot be had.
            if own.isEmpty { try? bridge.removeBridge() }
            guard [EOPNOTSUPP, ENOENT, EPROTONOSUPPORT, EAFNOSUPPORT].contains(error.errno) else {
                throw error
            }
            throw NetworkError(
                .unsupported,
                "cannot set up bridge network \(name): this kernel lacks parts of nftables that address translation needs "
                    + "(nf_tables, nft_chain_nat, nft_masq, nft_fib_inet): load these modules, or start with --bridge none, "
                    + "which leaves containers --network none, host and container:NAME (\(error))",
                cause: error)
        }
        let watcher = try FirewallWatcher(firewall, logger: logger) { [restorations] in
            restorations.value?()
        }
        try watcher.start()
        state.watcher = watcher
        try startForwarder(own, &state)
        try removeOrphans(of: bridge, keeping: own, routes: routes, worker: state.worker)
    }

    private func startForwarder(_ existing: [Endpoint], _ state: inout Running) throws {
        guard let executable = configuration.forwarderPath else { return }
        let process = ForwarderProcess(
            executable: executable, directory: configuration.runDirectory, instance: configuration.instance)
        let started = try Forwarder(process, logger: logger)
        try started.start(existing: existing.flatMap { ForwardedPort.all(of: $0) })
        state.forwarder = started
        forwarder.set(started)
    }

    /// Interfaces on the bridge that no container has any more: what a crash left between making one and recording it.
    private func removeOrphans(
        of bridge: BridgeNetwork, keeping: [Endpoint], routes: RouteClient, worker: WorkerThread
    ) throws(SystemCallError) {
        let kept = Set(keeping.map(\.hostInterfaceName))
        let orphans = try routes.links().filter { link in
            link.master == bridge.bridge.index && link.kind == "veth" && link.name.hasPrefix("veth")
                && link.name.utf8.count == 11 && !kept.contains(link.name)
        }
        for orphan in orphans {
            logger.info(
                "removing an interface without a container", metadata: ["interface": "\(orphan.name)"])
            worker.add { [logger] in
                do throws(SystemCallError) {
                    try routes.perform { $0.deleteLink(orphan.name) }
                } catch {
                    logger.warning("interface not removed", metadata: ["cause": "\(error)"])
                }
            }
        }
    }

    private func record(
        _ name: String, _ driver: NetworkRecord.Driver, _ identities: inout NetworkIdentities
    ) throws(NetworkError) -> NetworkRecord {
        let identity = try identities.identity(name)
        return NetworkRecord(name: name, id: identity.id, created: identity.created, driver: driver)
    }

    /// Stops the threads of the controller.
    /// - Parameter removeAll: also deletes table, bridge and forwarder, unless a container still uses them; false
    ///   leaves everything working for the containers that go on without a daemon
    package func shutdown(removeAll: Bool) {
        let stopped = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let stopped else { return }
        let isUnused = stopped.endpoints.values.allSatisfy { $0.networkID != stopped.bridge?.record.id }
        stopped.watcher?.stop()
        forwarder.set(nil)
        stopped.forwarder?.stop(endProcess: isUnused)
        stopped.worker.finish()
        guard removeAll, isUnused, let bridge = stopped.bridge else { return }
        do throws(SystemCallError) {
            try firewall.remove()
        } catch {
            logger.error("nftables table not removed", metadata: ["cause": "\(error)"])
        }
        do throws(SystemCallError) {
            try bridge.removeBridge()
        } catch {
            logger.error("bridge not removed", metadata: ["cause": "\(error)"])
        }
    }
}

/// A value that is there only some of the time, shared with closures that outlive their making.
private final class Slot<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)

    var value: Value? { content.withLock { $0 } }

    func set(_ value: Value?) { content.withLock { $0 = value } }
}
