import LinuxKernel
import Netlink
import Synchronization

/// A bridge network: its addresses, and the interfaces of the containers on it.
final class BridgeNetwork: StandingNetwork {
    let bridge: BridgeInterface
    let record: NetworkRecord
    let settings: BridgeSettings
    let addresses: AddressPlan
    private let routes: RouteClient
    /// The interface of the last container that had an address.
    private let formerInterfaces = Mutex<[IPv4Address: String]>([:])

    init(
        _ bridge: BridgeInterface, record: NetworkRecord, settings: BridgeSettings, routes: RouteClient
    ) {
        self.bridge = bridge
        self.record = record
        self.settings = settings
        self.routes = routes
        addresses = AddressPlan(record, reserved: settings.addresses.map(\.address))
    }

    var hostSide: HostSide? {
        HostSide(
            bridge: settings.firewallBridge(subnets: record.subnets), index: bridge.index,
            bindingAddress: settings.hostBindingAddress)
    }

    func source(of endpoint: Endpoint) -> SourceGuard.Source? {
        let isAllowed = (try? BridgeDriver.flag(endpoint.driverOptions, BridgeOption.allowSpoofing)) ?? false
        guard !settings.allowsSpoofing, !isAllowed, let mac = endpoint.macAddress else { return nil }
        return SourceGuard.Source(
            interface: endpoint.hostInterfaceName, mac: mac,
            addresses: endpoint.addresses + endpoint.linkLocalAddresses)
    }

    func prepare(_ endpoint: inout Endpoint, _ request: EndpointRequest) throws(NetworkError) {
        _ = try Bandwidth(options: request.driverOptions)
        _ = try BridgeDriver.flag(request.driverOptions, BridgeOption.allowSpoofing)
        endpoint.interfaceName = try InterfaceName.choose(request, prefix: settings.interfacePrefix)
        endpoint.hostInterfaceName = "veth" + endpoint.id.prefix(7)
        // Nothing leaves an internal network, and a bridge without an address leads nowhere.
        if record.isInternal {
            endpoint.ipv4?.gateway = nil
            endpoint.ipv6?.gateway = nil
        }
    }

    func release(_ endpoint: Endpoint) {
        if let v4 = endpoint.ipv4?.address {
            formerInterfaces.withLock { $0[v4] = endpoint.hostInterfaceName }
        }
        addresses.release(endpoint)
    }

    // MARK: Interfaces

    func connect(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) {
        let pair = VethPair(
            name: endpoint.hostInterfaceName, bridge: bridge.index, mtu: bridge.mtu,
            peerName: endpoint.interfaceName,
            peerAddress: endpoint.macAddress?.bytes ?? MACAddress.random().bytes,
            peerNamespace: namespace)
        // An ended container's namespace may live on for a while, and its kernel would go on answering for the address
        // and its MAC, which now are this one's.
        let former = endpoint.ipv4.flatMap { v4 in
            formerInterfaces.withLock { $0.removeValue(forKey: v4.address) }
        }
        try routes.perform {
            if let former, former != pair.name { $0.muteBridgePort(former) }
            $0.createVeth(pair)
            $0.setBridgePort(pair.name, portOptions)
        }
        try ContainerInterface.configure(endpoint, namespace: namespace)
        guard let limit = Bandwidth.of(endpoint) else { return }
        do throws(SystemCallError) {
            try routes.limitSending(of: endpoint.hostInterfaceName, to: limit)
            try TrafficControl.limitSending(of: endpoint.interfaceName, to: limit, namespace: namespace)
        } catch {
            try? disconnect(endpoint, namespace: namespace)
            throw error
        }
    }

    private var portOptions: BridgePortOptions {
        BridgePortOptions(
            hairpin: true, isolated: !settings.interContainerCommunication,
            hasLinkLocalAddress: !HostPortSocket.hasIPv6)
    }

    /// Deletes the host's end, and with it the container's. Takes tens of milliseconds.
    func disconnect(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) {
        guard !endpoint.hostInterfaceName.isEmpty else { return }
        try routes.perform { $0.deleteLink(endpoint.hostInterfaceName) }
    }

    func repair(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) {
        let isHalfMade = try ContainerInterface.isHalfMade(endpoint, namespace: namespace)
        guard let link = try routes.link(endpoint.hostInterfaceName), !isHalfMade else {
            try disconnect(endpoint, namespace: namespace)
            return try connect(endpoint, namespace: namespace)
        }
        guard link.master != bridge.index else { return }
        // The bridge was deleted, and is a new one.
        try routes.perform {
            $0.setMaster(link.name, bridge.index)
            $0.setBridgePort(link.name, portOptions)
        }
    }

    /// Deletes the bridge, unless it was there before the network.
    func remove() throws(SystemCallError) {
        guard let link = try routes.link(bridge.name), settings.mark == nil || link.alias == settings.mark
        else {
            return
        }
        try routes.perform { $0.deleteLink(bridge.name) }
    }
}

/// The name of an interface in a container.
enum InterfaceName {
    /// `com.docker.network.endpoint.ifname`.
    static let option = "com.docker.network.endpoint.ifname"

    /// The name asked for, or the lowest free number behind the prefix.
    static func choose(_ request: EndpointRequest, prefix: String) throws(NetworkError) -> String {
        if let wanted = request.driverOptions[option], !wanted.isEmpty {
            guard NetworkConfiguration.isInterfaceName(wanted), wanted != "lo" else {
                throw NetworkError(.invalidRequest, "\(option): \(wanted) cannot be an interface's name")
            }
            guard !request.otherInterfaces.contains(wanted) else {
                throw NetworkError(
                    .invalidRequest, "\(option): the container has an interface \(wanted) already")
            }
            return wanted
        }
        var number = 0
        while request.otherInterfaces.contains("\(prefix)\(number)") { number += 1 }
        return "\(prefix)\(number)"
    }
}
