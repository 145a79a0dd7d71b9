import LinuxKernel
import Netlink
import Synchronization

/// A bridge network: its addresses, and the interfaces of the containers on it.
final class BridgeNetwork: Sendable {
    private struct Addresses {
        var v4: AddressAllocator
        var v6: AddressAllocator?
        /// The interface of the last container that had an address.
        var formerInterfaces: [IPv4Address: String] = [:]
    }

    let bridge: BridgeInterface
    let record: NetworkRecord
    private let isIsolating: Bool
    private let gateway: IPv4Address?
    private let gatewayV6: IPv6Address?
    private let addresses: Mutex<Addresses>
    private let routes: RouteClient

    init(
        _ bridge: BridgeInterface, record: NetworkRecord, configuration: NetworkConfiguration,
        routes: RouteClient
    ) {
        self.bridge = bridge
        self.record = record
        self.routes = routes
        isIsolating = !configuration.interContainerCommunication
        var own: IPv4Address?
        if case .v4(let address) = bridge.address.address { own = address }
        gateway = configuration.defaultGateway ?? own
        var ownV6: IPv6Address?
        if case .v6(let address) = bridge.addressV6?.address { ownV6 = address }
        gatewayV6 = ownV6 == nil ? nil : configuration.defaultGatewayV6 ?? ownV6
        let reserved = [bridge.address.address] + (configuration.defaultGateway.map { [.v4($0)] } ?? [])
        let reservedV6 = [bridge.addressV6?.address, configuration.defaultGatewayV6.map(IPAddress.v6)]
            .compactMap { $0 }
        addresses = Mutex(
            Addresses(
                v4: AddressAllocator(
                    subnet: bridge.address.network, range: configuration.fixedCIDR, reserved: reserved),
                v6: bridge.addressV6.map {
                    AddressAllocator(
                        subnet: $0.network, range: configuration.fixedCIDRv6, reserved: reservedV6)
                }))
    }

    /// What the firewall has to know.
    func firewallBridge(_ configuration: NetworkConfiguration) -> FirewallModel.Bridge {
        FirewallModel.Bridge(
            name: bridge.name,
            subnets: [bridge.address.network] + (bridge.addressV6.map { [$0.network] } ?? []),
            masquerade: configuration.masquerade,
            interContainerCommunication: configuration.interContainerCommunication)
    }

    // MARK: Addresses

    /// Fills in the addresses and the interfaces of an endpoint.
    func allocate(_ request: EndpointRequest, for endpoint: inout Endpoint) throws(NetworkError) {
        let v4 = try allocateV4(request)
        endpoint.ipv4 = .init(address: v4, prefixLength: bridge.address.prefixLength, gateway: gateway)
        endpoint.macAddress = request.macAddress ?? MACAddress(of: v4)
        do throws(NetworkError) {
            if let v6 = try allocateV6(request, endpoint.macAddress) {
                endpoint.ipv6 = .init(
                    address: v6, prefixLength: bridge.addressV6?.prefixLength ?? 64, gateway: gatewayV6)
            }
        } catch {
            release(endpoint)
            throw error
        }
        endpoint.interfaceName = "eth0"
        endpoint.hostInterfaceName = "veth" + endpoint.id.prefix(7)
    }

    private func allocateV4(_ request: EndpointRequest) throws(NetworkError) -> IPv4Address {
        guard let wanted = request.address else {
            let allocated = addresses.withLock { $0.v4.allocate() }
            guard case .v4(let address) = allocated else { throw exhausted(bridge.address) }
            return address
        }
        try claim(.v4(wanted), in: bridge.address)
        return wanted
    }

    private func allocateV6(_ request: EndpointRequest, _ mac: MACAddress?) throws(NetworkError)
        -> IPv6Address?
    {
        guard let block = bridge.addressV6 else {
            guard let wanted = request.addressV6 else { return nil }
            throw NetworkError(
                .invalidRequest,
                "network \(record.name) has no IPv6, so \(wanted) cannot be given to a container")
        }
        if let wanted = request.addressV6 {
            try claim(.v6(wanted), in: block)
            return wanted
        }
        // Where the subnet leaves 48 bits, the address ends in the MAC, as Docker's does.
        if let mac, block.prefixLength <= 80 {
            let host = mac.bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
            let derived = IPAddress.v6(IPv6Address(block.first.number | host))
            if addresses.withLock({ $0.v6?.claim(derived) ?? false }), case .v6(let address) = derived {
                return address
            }
        }
        guard case .v6(let address) = addresses.withLock({ $0.v6?.allocate() }) else {
            throw exhausted(block)
        }
        return address
    }

    private func claim(_ wanted: IPAddress, in block: AddressBlock) throws(NetworkError) {
        guard block.contains(wanted) else {
            throw NetworkError(
                .invalidRequest,
                "invalid address \(wanted): it is not in the subnet \(block.network) of network "
                    + record.name)
        }
        let claimed = addresses.withLock {
            wanted.isIPv4 ? $0.v4.claim(wanted) : $0.v6?.claim(wanted) ?? false
        }
        guard claimed else { throw NetworkError(.addressInUse, "Address already in use: \(wanted)") }
    }

    private func exhausted(_ block: AddressBlock) -> NetworkError {
        NetworkError(
            .exhausted,
            "no available IPv\(block.address.isIPv4 ? 4 : 6) addresses on this network's address pools: "
                + "\(record.name) (\(block.network))")
    }

    /// Marks the addresses of a container that survived the last daemon.
    func adopt(_ endpoint: Endpoint) {
        addresses.withLock {
            if let v4 = endpoint.ipv4?.address { _ = $0.v4.claim(.v4(v4)) }
            if let v6 = endpoint.ipv6?.address { _ = $0.v6?.claim(.v6(v6)) }
        }
    }

    func release(_ endpoint: Endpoint) {
        addresses.withLock {
            if let v4 = endpoint.ipv4?.address {
                $0.v4.release(.v4(v4))
                $0.formerInterfaces[v4] = endpoint.hostInterfaceName
            }
            if let v6 = endpoint.ipv6?.address { $0.v6?.release(.v6(v6)) }
        }
    }

    // MARK: Interfaces

    /// Makes the veth pair and configures the end inside.
    func connect(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) {
        let pair = VethPair(
            name: endpoint.hostInterfaceName, bridge: bridge.index, mtu: bridge.mtu,
            peerName: endpoint.interfaceName,
            peerAddress: endpoint.macAddress?.bytes ?? MACAddress.random().bytes,
            peerNamespace: namespace)
        let port = BridgePortOptions(
            hairpin: true, isolated: isIsolating, hasLinkLocalAddress: !HostPortSocket.hasIPv6)
        // An ended container's namespace may live on for a while, and its kernel would go on answering for the address
        // and its MAC, which now are this one's.
        let former = addresses.withLock { state in
            endpoint.ipv4.flatMap { state.formerInterfaces.removeValue(forKey: $0.address) }
        }
        try routes.perform {
            if let former, former != pair.name { $0.muteBridgePort(former) }
            $0.createVeth(pair)
            $0.setBridgePort(pair.name, port)
        }
        try ContainerInterface.configure(endpoint, namespace: namespace)
    }

    /// Deletes the bridge itself.
    func removeBridge() throws(SystemCallError) {
        try routes.perform { $0.deleteLink(bridge.name) }
    }

    /// Deletes the host's end, and with it the container's. Takes tens of milliseconds; only for what has no namespace
    /// that could take it along.
    func disconnect(_ endpoint: Endpoint) throws(SystemCallError) {
        guard !endpoint.hostInterfaceName.isEmpty else { return }
        try routes.perform { $0.deleteLink(endpoint.hostInterfaceName) }
    }
}
