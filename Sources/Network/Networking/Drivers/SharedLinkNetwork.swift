import Glibc
import LinuxKernel
import Netlink

/// A macvlan or ipvlan network: its containers' interfaces are on one interface of the host, and have no end there.
final class SharedLinkNetwork: StandingNetwork {
    let record: NetworkRecord
    let addresses: AddressPlan
    let hostSide: HostSide? = nil
    private let kind: SharedLink.Kind
    private let parent: SharedLinkParent
    var parentName: String { parent.name }
    private let parents: ParentInterfaces
    private let routes: RouteClient
    private let mtu: Int?

    init(
        _ record: NetworkRecord, kind: SharedLink.Kind, parent: SharedLinkParent, parents: ParentInterfaces,
        routes: RouteClient
    ) throws(NetworkError) {
        mtu = try Self.mtu(record)
        try parents.take(parent, for: record, kind: kind)
        self.record = record
        self.kind = kind
        self.parent = parent
        self.parents = parents
        self.routes = routes
        addresses = AddressPlan(record)
    }

    /// - Throws: `NetworkError` (`invalidRequest`)
    static func mtu(_ record: NetworkRecord) throws(NetworkError) -> Int? {
        guard let text = record.options[BridgeOption.mtu] else { return nil }
        guard let mtu = Int(text), (68...65535).contains(mtu) else {
            throw NetworkError(
                .invalidRequest, "\(BridgeOption.mtu) \"\(text)\" is not a number between 68 and 65535")
        }
        return mtu
    }

    /// Whether nothing beyond the containers is reached: no default route leads here.
    private var isClosed: Bool { record.isInternal || parent.isStandIn }

    func prepare(_ endpoint: inout Endpoint, _ request: EndpointRequest) throws(NetworkError) {
        _ = try Bandwidth(options: request.driverOptions)
        endpoint.interfaceName = try InterfaceName.choose(request, prefix: "eth")
        if case .ipvlan = kind {
            if request.macAddress != nil {
                throw NetworkError(
                    .invalidRequest, "ipvlan interfaces do not support custom mac address assignment")
            }
            endpoint.macAddress = nil
        }
        if isClosed {
            endpoint.ipv4?.gateway = nil
            endpoint.ipv6?.gateway = nil
        }
    }

    /// The host sees none of what they send.
    func source(of endpoint: Endpoint) -> SourceGuard.Source? { nil }

    func connect(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) {
        let parent = try parentIndex()
        let link = SharedLink(
            kind: kind, name: endpoint.interfaceName, parent: parent, address: hardwareAddress(of: endpoint),
            mtu: mtu, namespace: namespace)
        try routes.perform { $0.createSharedLink(link) }
        do throws(SystemCallError) {
            try configure(endpoint, namespace: namespace)
        } catch {
            try? disconnect(endpoint, namespace: namespace)
            throw error
        }
    }

    private func parentIndex() throws(SystemCallError) -> Int32 {
        do throws(NetworkError) {
            return try parents.index(of: parent)
        } catch {
            throw error.cause as? SystemCallError
                ?? SystemCallError(call: "RTM_GETLINK", errno: ENODEV, subject: "parent \(parent.name)")
        }
    }

    /// In mode passthru the kernel gives the interface its parent's address.
    private func hardwareAddress(of endpoint: Endpoint) -> [UInt8]? {
        kind == .macvlan(.passthru) ? nil : endpoint.macAddress?.bytes
    }

    private func configure(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) {
        // In layer 3 the gateway is never asked for, but a route by it leads to the host's routing as well.
        try ContainerInterface.configure(endpoint, namespace: namespace)
        guard let limit = Bandwidth.of(endpoint) else { return }
        try TrafficControl.limit(endpoint.interfaceName, to: limit, namespace: namespace)
    }

    func disconnect(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) {
        guard namespace >= 0, !endpoint.interfaceName.isEmpty else { return }
        try ContainerInterface.remove(endpoint, namespace: namespace)
    }

    func repair(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) {
        if try ContainerInterface.isHalfMade(endpoint, namespace: namespace) {
            try disconnect(endpoint, namespace: namespace)
        } else {
            let client = try NetworkNamespace.run(in: namespace) { () throws(SystemCallError) in
                try RouteClient()
            }
            guard try client.link(endpoint.interfaceName) == nil else { return }
        }
        try connect(endpoint, namespace: namespace)
    }

    func release(_ endpoint: Endpoint) { addresses.release(endpoint) }

    func remove() throws(SystemCallError) { try parents.release(parent, of: record) }
}
