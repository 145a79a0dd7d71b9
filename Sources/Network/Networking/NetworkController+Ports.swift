import Glibc
package import LinuxKernel
import Logging
import Netlink
import Synchronization

// Published ports of endpoints.
extension NetworkController {
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
        worker.add { [self] in
            Self.forgetUntranslated(endpoint, logger)
            // An answer of the forwarder to what came before would be tracked as a flow of its own, untranslated.
            for port in datagrams { port.dropDatagrams() }
            forwarder?.add(datagrams)
            // The container may have ended before it was this one's turn.
            let left = running.withLock { $0?.endpoints[endpoint.id]?.ports } ?? []
            let gone = endpoint.ports.filter { $0.transport == .udp && !left.contains($0) }
            if !gone.isEmpty { forwarder?.remove(gone, endpoint: endpoint.id) }
        }
    }

    /// Publishes further ports of a container that is attached: live when it returns. Ports that are published already are
    /// refused by `portAllocated`.
    /// - Throws: as `allocate`; the endpoint is as it was then
    package func addPorts(_ requests: [PortRequest], to endpoint: inout Endpoint) throws(NetworkError) {
        guard !requests.isEmpty else { return }
        guard let network = running.withLock({ $0?.standing[endpoint.networkID] }),
            let policy = publishingPolicy(of: network)
        else {
            throw NetworkError(
                .invalidRequest, "ports of containers on network \(endpoint.networkName) cannot be published")
        }
        var changed = endpoint
        try ports.allocate(requests, for: &changed, policy)
        let added = changed.ports.filter { !endpoint.ports.contains($0) }
        // From here on the container's end takes them off.
        guard record(changed) else {
            ports.release(added, of: changed)
            throw Self.released(endpoint)
        }
        do throws(SystemCallError) {
            try publish(changed)
        } catch {
            record(endpoint)
            ports.release(added, of: endpoint)
            throw NetworkError(
                .kernel, "cannot publish ports of \(endpoint.containerName): \(error)", cause: error)
        }
        guard record(changed) else {
            // Its release came before they were live.
            unpublish(added, of: changed)
            throw Self.released(endpoint)
        }
        endpoint = changed
    }

    static func released(_ endpoint: Endpoint) -> NetworkError {
        NetworkError(
            .noSuchNetwork, "container \(endpoint.containerName) has left network \(endpoint.networkName)")
    }

    /// Takes ports of a container that is attached off: nobody reaches them any more when it returns.
    package func removePorts(_ gone: [PublishedPort], from endpoint: inout Endpoint) {
        endpoint.ports.removeAll { gone.contains($0) }
        unpublish(gone, of: endpoint)
        // Its sockets would take connections of their own until they are closed.
        running.withLock { $0?.forwarder }?.settle()
        record(endpoint)
    }

    /// Has published ports where the container's answers leave by: on one of its networks.
    /// - Parameters:
    ///   - name: of the network; nil where none can have ports
    ///   - former: what an endpoint that is gone had published; the numbers are kept
    ///   - requests: what is published where nothing was
    package func movePorts(
        to name: String?, among endpoints: inout [Endpoint], taking former: [PublishedPort],
        requests: [PortRequest]
    ) throws(NetworkError) {
        var ports = former
        for index in endpoints.indices where endpoints[index].networkName != name {
            let own = endpoints[index].ports
            guard !own.isEmpty else { continue }
            ports += own
            removePorts(own, from: &endpoints[index])
        }
        guard let target = endpoints.firstIndex(where: { $0.networkName == name }),
            endpoints[target].ports.isEmpty
        else { return }
        try addPorts(ports.isEmpty ? requests : PortRequest.same(as: ports), to: &endpoints[target])
    }

    /// Keeps what has changed of an endpoint.
    /// - Returns: false where it was released meanwhile, as when its container has ended
    @discardableResult
    func record(_ endpoint: Endpoint) -> Bool {
        running.withLock { state in
            guard state?.endpoints[endpoint.id] != nil else { return false }
            state?.endpoints[endpoint.id] = endpoint
            return true
        }
    }

    /// Makes the ports that are left the live ones, and frees the others. Goes on after failures and logs them.
    /// - Parameter endpoint: without those that go, or with all of them where all go
    func unpublish(_ gone: [PublishedPort], of endpoint: Endpoint) {
        guard !gone.isEmpty,
            let (forwarder, worker) = running.withLock({ state in state.map { ($0.forwarder, $0.worker) } })
        else { return }
        var rest = endpoint
        rest.ports.removeAll { gone.contains($0) }
        do throws(SystemCallError) {
            try firewall.publish(FirewallModel.Port.all(of: rest), endpoint: endpoint.id)
        } catch {
            logger.error(
                "published ports not taken off",
                metadata: ["container.id": "\(endpoint.containerID)", "cause": "\(error)"])
        }
        forwarder?.remove(gone, endpoint: endpoint.id)
        ports.release(gone, of: endpoint)
        var former = endpoint
        former.ports = gone
        guard !former.udpPorts.isEmpty else { return }
        worker.add { [logger, former] in Self.forgetTranslated(former, logger) }
    }

    // MARK: Connection tracking

    /// A client that kept sending to the port before it was published is tracked without translation, and would go on
    /// to miss the container.
    private static func forgetUntranslated(_ endpoint: Endpoint, _ logger: Logger) {
        let ports = Set(endpoint.udpPorts)
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
        let ports = Set(endpoint.udpPorts)
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
                containerAddress: target, containerPort: port.containerPort, isRouted: port.hostPort == 0)
        }
    }
}

extension Endpoint {
    /// The host's ports.
    fileprivate var udpPorts: [UInt16] {
        ports.filter { $0.transport == .udp && $0.hostPort != 0 }.map(\.hostPort)
    }
}
