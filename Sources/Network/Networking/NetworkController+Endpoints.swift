import Glibc
package import LinuxKernel
import Logging
import Netlink
import Synchronization

extension NetworkController {
    /// `bridge`, `host` and `none`, in Docker's order; without `bridge` where the configuration says so.
    package var networks: [NetworkRecord] { running.withLock { $0?.records ?? [] } }

    /// A network by name, id or unique prefix of an id.
    /// - Throws: `NetworkError` (`noSuchNetwork`) in Docker's words: `network x not found`
    package func network(_ nameOrID: String) throws(NetworkError) -> NetworkRecord {
        let records = networks
        if let exact = records.first(where: { $0.name == nameOrID || $0.id == nameOrID }) { return exact }
        let matching = nameOrID.isEmpty ? [] : records.filter { $0.id.hasPrefix(nameOrID) }
        guard let match = matching.first else {
            throw NetworkError(.noSuchNetwork, "network \(nameOrID) not found")
        }
        guard matching.count == 1 else {
            throw NetworkError(
                .invalidRequest, "network \(nameOrID) is ambiguous (\(matching.count) matches found)")
        }
        return match
    }

    /// Takes an address, names and host ports for a container. Every port conflict shows here, before the
    /// container starts; nothing carries traffic yet. Undone by `release`.
    /// - Throws: `NetworkError`: `portAllocated`, `portInUse`, `addressInUse`, `exhausted`, `invalidRequest`,
    ///   `noSuchNetwork`; nothing stays taken then
    package func allocate(_ request: EndpointRequest) throws(NetworkError) -> Endpoint {
        let record = try network(request.network)
        var endpoint = Endpoint(
            id: randomIdentifier(), containerID: request.containerID, containerName: request.containerName,
            network: record)
        if record.driver == .bridge {
            guard let bridge = running.withLock({ $0?.bridge }) else {
                throw NetworkError(.noSuchNetwork, "network \(request.network) not found")
            }
            try bridge.allocate(request, for: &endpoint)
            do throws(NetworkError) {
                try ports.allocate(request.ports, for: &endpoint)
            } catch {
                bridge.release(endpoint)
                throw error
            }
        } else if request.address != nil || request.addressV6 != nil {
            throw NetworkError(
                .invalidRequest, "user specified IP address is supported on user defined networks only")
        }
        let allocated = endpoint
        running.withLock { $0?.endpoints[allocated.id] = allocated }
        return endpoint
    }

    /// Connects a container that has not started yet: interface, addresses and routes inside, loopback up, published
    /// ports live. On `none` only the loopback is brought up, on `host` nothing is done.
    /// - Parameter namespace: a descriptor of the container's network namespace; stays the caller's
    package func attach(_ endpoint: Endpoint, namespace: Int32) throws(NetworkError) {
        do throws(SystemCallError) {
            switch endpoint.driver {
            case .host: return
            case .null: try ContainerInterface.configureLoopback(namespace: namespace)
            case .bridge: try attachToBridge(endpoint, namespace: namespace)
            }
        } catch {
            throw NetworkError(
                .kernel,
                "cannot connect container \(endpoint.containerName) to network \(endpoint.networkName): \(error)",
                cause: error)
        }
    }

    private func attachToBridge(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) {
        guard let bridge = running.withLock({ $0?.bridge }) else {
            throw SystemCallError(call: "attach", errno: ESHUTDOWN, subject: endpoint.networkName)
        }
        try bridge.connect(endpoint, namespace: namespace)
        try publish(endpoint)
    }

    /// Makes an endpoint's ports live: the last part of `attach`.
    package func publish(_ endpoint: Endpoint) throws(SystemCallError) {
        guard !endpoint.ports.isEmpty,
            let (forwarder, worker) = running.withLock({ state in state.map { ($0.forwarder, $0.worker) } })
        else { return }
        try firewall.publish(FirewallModel.Port.all(of: endpoint), endpoint: endpoint.id)
        let sockets = ports.takeSockets(of: endpoint)
        forwarder?.add(sockets.filter { $0.transport != .udp })
        let datagrams = sockets.filter { $0.transport == .udp }
        guard endpoint.ports.contains(where: { $0.transport == .udp }) else { return }
        worker.add { [logger] in
            Self.forgetUntranslated(endpoint, logger)
            // An answer of the forwarder to what came before would be tracked as a flow of its own, untranslated.
            for port in datagrams { port.dropDatagrams() }
            forwarder?.add(datagrams)
        }
    }

    /// Takes the published ports off and frees ports and address. The interface goes with the container's namespace
    /// and is not waited for. Works after any prefix of allocate and attach, and again; goes on after failures and
    /// logs them.
    package func release(_ endpoint: Endpoint) {
        guard
            let (bridge, forwarder, worker) = running.withLock({ state in
                state?.endpoints.removeValue(forKey: endpoint.id).flatMap { _ in
                    state.map { ($0.bridge, $0.forwarder, $0.worker) }
                }
            })
        else { return }
        guard endpoint.driver == .bridge else { return }
        if !endpoint.ports.isEmpty {
            do throws(SystemCallError) {
                try firewall.withdraw(endpoint: endpoint.id)
            } catch {
                logger.error(
                    "published ports not taken off",
                    metadata: ["container.id": "\(endpoint.containerID)", "cause": "\(error)"])
            }
            forwarder?.remove(endpoint: endpoint.id)
            ports.release(endpoint)
            if endpoint.ports.contains(where: { $0.transport == .udp }) {
                worker.add { [logger] in Self.forgetTranslated(endpoint, logger) }
            }
        }
        bridge?.release(endpoint)
    }

    /// Deletes the interface of a released endpoint whose network namespace lives on, as after a failed start. Not
    /// waited for.
    package func removeInterface(of endpoint: Endpoint) {
        guard
            let (bridge, worker) = running.withLock({ state in
                state.flatMap { state in state.bridge.map { ($0, state.worker) } }
            }), endpoint.driver == .bridge
        else { return }
        worker.add { [logger] in
            do throws(SystemCallError) {
                try bridge.disconnect(endpoint)
            } catch {
                logger.warning("interface not removed", metadata: ["cause": "\(error)"])
            }
        }
    }

    // MARK: Connection tracking

    /// A client that kept sending to the port before it was published is tracked without translation, and would go on
    /// to miss the container.
    private static func forgetUntranslated(_ endpoint: Endpoint, _ logger: Logger) {
        let ports = Set(endpoint.ports.filter { $0.transport == .udp }.map(\.hostPort))
        forget(endpoint, logger) { connection in
            // An answer of the forwarder may have come first: then the port is the source's.
            connection.original.transport == TransportProtocol.udp.number
                && (ports.contains(connection.original.destinationPort)
                    || ports.contains(connection.original.sourcePort))
                && connection.reply.source == connection.original.destination
        }
    }

    /// A client that goes on sending would be translated to an address that belongs to nobody, or to another container.
    private static func forgetTranslated(_ endpoint: Endpoint, _ logger: Logger) {
        let addresses = [endpoint.ipv4?.address.bytes, endpoint.ipv6?.address.bytes].compactMap { $0 }
        let ports = Set(endpoint.ports.filter { $0.transport == .udp }.map(\.hostPort))
        forget(endpoint, logger) { connection in
            connection.original.transport == TransportProtocol.udp.number
                && addresses.contains(connection.reply.source)
                && ports.contains(connection.original.destinationPort)
        }
    }

    private static func forget(
        _ endpoint: Endpoint, _ logger: Logger, matching: (TrackedConnection) -> Bool
    ) {
        for isIPv4 in endpoint.ipv6 == nil ? [true] : [true, false] {
            do throws(SystemCallError) {
                try Conntrack.forget(isIPv4: isIPv4, matching: matching)
            } catch {
                logger.warning(
                    "tracked UDP connections not forgotten",
                    metadata: ["container.id": "\(endpoint.containerID)", "cause": "\(error)"])
            }
        }
    }
}

extension FirewallModel.Port {
    /// What the kernel translates of an endpoint's ports: v4 to v4 and v6 to v6; the rest is the forwarder's.
    static func all(of endpoint: Endpoint) -> [FirewallModel.Port] {
        endpoint.ports.compactMap { port in
            let target =
                port.hostAddress.isIPv4
                ? endpoint.ipv4.map { IPAddress.v4($0.address) }
                : endpoint.ipv6.map { IPAddress.v6($0.address) }
            guard let target else { return nil }
            return FirewallModel.Port(
                hostAddress: port.hostAddress, hostPort: port.hostPort, transport: port.transport,
                containerAddress: target, containerPort: port.containerPort)
        }
    }
}
