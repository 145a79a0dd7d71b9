import Glibc
import LinuxKernel
import Netlink
import Synchronization

/// rtnetlink of the daemon's own namespace, one request at a time.
final class RouteClient: Sendable {
    private let socket: Mutex<NetlinkSocket>

    init() throws(SystemCallError) {
        socket = Mutex(try NetlinkSocket(NetlinkProtocol.route))
    }

    func perform(_ build: (inout MessageBatch) -> Void) throws(SystemCallError) {
        var batch = MessageBatch()
        build(&batch)
        try socket.withLock { (socket: inout NetlinkSocket) throws(SystemCallError) in
            try socket.transact(batch)
        }
    }

    private func query(_ build: (inout MessageBatch) -> Void) throws(SystemCallError) -> [NetlinkMessage] {
        var batch = MessageBatch()
        build(&batch)
        return try socket.withLock { (socket: inout NetlinkSocket) throws(SystemCallError) in
            try socket.request(batch)
        }
    }

    /// The interface of that name; nil where there is none.
    func link(_ name: String) throws(SystemCallError) -> Link? {
        do throws(SystemCallError) {
            return try query { $0.getLink(name) }.compactMap(Link.init).first
        } catch {
            if error.errno == ENODEV { return nil }
            throw error
        }
    }

    func links() throws(SystemCallError) -> [Link] {
        try query { $0.listLinks() }.compactMap(Link.init)
    }

    func addresses() throws(SystemCallError) -> [InterfaceAddress] {
        try query { $0.listAddresses() }.compactMap(InterfaceAddress.init)
    }

    /// The addresses of an interface.
    func blocks(of link: Link) throws(SystemCallError) -> [AddressBlock] {
        try addresses().filter { $0.interface == link.index }.compactMap(\.block)
    }

    /// What a new subnet must not share an address with: the host's addresses, and what its routes lead to.
    func blocksInUse() throws(SystemCallError) -> [AddressBlock] {
        try routedSubnets() + addresses().compactMap(\.block)
    }

    /// Every route of the main table.
    func mainRoutes() throws(SystemCallError) -> [Route] {
        try query { $0.listRoutes() }.compactMap(Route.init)
    }

    /// The subnets that routes of the main table lead to; default routes are none.
    func routedSubnets() throws(SystemCallError) -> [AddressBlock] {
        try query { $0.listRoutes() }.compactMap(Route.init).compactMap { route in
            route.prefixLength > 0
                ? IPAddress(bytes: route.destination).flatMap {
                    AddressBlock($0, prefixLength: route.prefixLength)
                } : nil
        }
    }
}

extension IPAddress {
    /// An address of four or sixteen bytes in network order; nil for other lengths.
    init?(bytes: [UInt8]) {
        let number = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        switch bytes.count {
        case 4: self = .v4(IPv4Address(UInt32(truncatingIfNeeded: number)))
        case 16: self = .v6(IPv6Address(number))
        default: return nil
        }
    }
}

extension InterfaceAddress {
    /// The address with its prefix length.
    var block: AddressBlock? {
        IPAddress(bytes: address).flatMap { AddressBlock($0, prefixLength: prefixLength) }
    }
}
