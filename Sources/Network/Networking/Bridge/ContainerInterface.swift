import Glibc
import LinuxKernel
import Netlink

/// What is done inside a container's network namespace.
enum ContainerInterface {
    private static let loopbackIndex: Int32 = 1

    /// Brings the loopback up.
    static func configureLoopback(namespace: Int32) throws(SystemCallError) {
        let socket = try routeSocket(in: namespace)
        var batch = MessageBatch()
        batch.setLinkUp(loopbackIndex, name: "lo")
        try socket.transact(batch)
    }

    private static func routeSocket(in namespace: Int32) throws(SystemCallError) -> NetlinkSocket {
        try NetworkNamespace.run(in: namespace) { () throws(SystemCallError) in
            try NetlinkSocket(NetlinkProtocol.route)
        }
    }

    /// Gives the interface its addresses, brings it up, and leads the default routes over it that are the endpoint's.
    static func configure(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) {
        let name = endpoint.interfaceName
        let hasIPv6 = endpoint.ipv6 != nil
        let socket = try NetworkNamespace.run(in: namespace) { () throws(SystemCallError) in
            // /proc/sys/net is the calling thread's namespace. Without IPv6 addresses of ours none may appear, neither
            // link-local nor by somebody's router advertisement.
            let setting = "/proc/sys/net/ipv6/conf/\(name)/disable_ipv6"
            if fileExists(setting) { try writeControlFile(setting, hasIPv6 ? "0" : "1") }
            return try NetlinkSocket(NetlinkProtocol.route)
        }
        guard let link = try find(name, socket) else {
            throw SystemCallError(call: "RTM_GETLINK", errno: ENODEV, subject: name)
        }
        var batch = MessageBatch()
        batch.setLinkUp(loopbackIndex, name: "lo")
        for (address, broadcast) in interfaceAddresses(endpoint, link.index) {
            batch.addAddress(address, broadcast: broadcast)
        }
        batch.setLinkUp(link.index, name: name)
        setDefaultRoutes(endpoint, link.index, &batch)
        try socket.transact(batch)
    }

    private static func find(_ name: String, _ socket: NetlinkSocket) throws(SystemCallError) -> Link? {
        var query = MessageBatch()
        query.getLink(name)
        do throws(SystemCallError) {
            return try socket.request(query).compactMap(Link.init).first
        } catch {
            if error.errno == ENODEV { return nil }
            throw error
        }
    }

    private static func interfaceAddresses(
        _ endpoint: Endpoint, _ index: Int32
    ) -> [(InterfaceAddress, broadcast: [UInt8]?)] {
        var result: [(InterfaceAddress, broadcast: [UInt8]?)] = []
        if let v4 = endpoint.ipv4 {
            let block = AddressBlock(.v4(v4.address), prefixLength: v4.prefixLength)
            let address = InterfaceAddress(
                interface: index, address: v4.address.bytes, prefixLength: v4.prefixLength)
            result.append((address, block?.last.bytes))
        }
        if let v6 = endpoint.ipv6 {
            let address = InterfaceAddress(
                interface: index, address: v6.address.bytes, prefixLength: v6.prefixLength)
            result.append((address, nil))
        }
        for local in endpoint.linkLocalAddresses {
            let address = InterfaceAddress(
                interface: index, address: local.bytes, prefixLength: local.isIPv4 ? 16 : 64)
            result.append((address, nil))
        }
        return result
    }

    private static func setDefaultRoutes(_ endpoint: Endpoint, _ index: Int32, _ batch: inout MessageBatch) {
        if endpoint.defaultRoutes.contains(.ipv4), let gateway = endpoint.ipv4?.gateway {
            batch.setDefaultRoute(gateway: gateway.bytes, interface: index)
        }
        if endpoint.defaultRoutes.contains(.ipv6), let gateway = endpoint.ipv6?.gateway {
            batch.setDefaultRoute(gateway: gateway.bytes, interface: index)
        }
    }

    /// Leads the default routes of a container that runs over those of its endpoints that are marked; a family that none
    /// is marked for loses its route.
    static func setDefaultRoutes(of endpoints: [Endpoint], namespace: Int32) throws(SystemCallError) {
        let socket = try routeSocket(in: namespace)
        var batch = MessageBatch()
        for endpoint in endpoints where !endpoint.defaultRoutes.isEmpty && !endpoint.interfaceName.isEmpty {
            guard let link = try find(endpoint.interfaceName, socket) else { continue }
            setDefaultRoutes(endpoint, link.index, &batch)
        }
        let led = endpoints.reduce(into: DefaultRoutes()) { $0.formUnion($1.defaultRoutes) }
        if !led.contains(.ipv4) { batch.deleteDefaultRoute(isIPv4: true) }
        if !led.contains(.ipv6), HostPortSocket.hasIPv6 { batch.deleteDefaultRoute(isIPv4: false) }
        try socket.transact(batch)
    }

    /// Sets the default routes of families that have none at all: a crash came between the end of one network and the
    /// choice of another.
    static func restoreDefaultRoutes(of endpoints: [Endpoint], namespace: Int32) throws(SystemCallError) {
        let socket = try routeSocket(in: namespace)
        var query = MessageBatch()
        query.listRoutes()
        let present = try socket.request(query).compactMap(Route.init).filter { $0.prefixLength == 0 }
        var missing = DefaultRoutes.both
        if present.contains(where: { $0.family == AF_INET }) { missing.remove(.ipv4) }
        if present.contains(where: { $0.family == AF_INET6 }) { missing.remove(.ipv6) }
        guard !missing.isEmpty else { return }
        var batch = MessageBatch()
        for var endpoint in endpoints where !endpoint.interfaceName.isEmpty {
            endpoint.defaultRoutes.formIntersection(missing)
            guard !endpoint.defaultRoutes.isEmpty, let link = try find(endpoint.interfaceName, socket),
                link.isUp
            else { continue }
            setDefaultRoutes(endpoint, link.index, &batch)
        }
        try socket.transact(batch)
    }

    /// Whether a crash came between the making of the interface and its configuration. What the container's own programs
    /// have made of it since is theirs.
    static func isHalfMade(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) -> Bool {
        let socket = try routeSocket(in: namespace)
        guard let link = try find(endpoint.interfaceName, socket), !link.isUp else { return false }
        var query = MessageBatch()
        query.listAddresses()
        return try !socket.request(query).compactMap(InterfaceAddress.init).contains {
            $0.interface == link.index
        }
    }

    /// Deletes the interface from inside.
    static func remove(_ endpoint: Endpoint, namespace: Int32) throws(SystemCallError) {
        let socket = try routeSocket(in: namespace)
        var batch = MessageBatch()
        batch.deleteLink(endpoint.interfaceName)
        try socket.transact(batch)
    }
}
