import Glibc
import LinuxKernel
import Netlink

/// What is done inside a container's network namespace.
enum ContainerInterface {
    private static let loopbackIndex: Int32 = 1

    /// Brings the loopback up.
    static func configureLoopback(namespace: Int32) throws(SystemCallError) {
        let socket = try NetworkNamespace.run(in: namespace) { () throws(SystemCallError) in
            try NetlinkSocket(NetlinkProtocol.route)
        }
        var batch = MessageBatch()
        batch.setLinkUp(loopbackIndex, name: "lo")
        try socket.transact(batch)
    }

    /// Gives the interface its addresses and routes and brings it up.
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
        var query = MessageBatch()
        query.getLink(name)
        guard let link = try socket.request(query).compactMap(Link.init).first else {
            throw SystemCallError(call: "RTM_GETLINK", errno: ENODEV, subject: name)
        }
        var batch = MessageBatch()
        batch.setLinkUp(loopbackIndex, name: "lo")
        if let v4 = endpoint.ipv4 {
            let block = AddressBlock(.v4(v4.address), prefixLength: v4.prefixLength)
            let address = InterfaceAddress(
                interface: link.index, address: v4.address.bytes, prefixLength: v4.prefixLength)
            batch.addAddress(address, broadcast: block?.last.bytes)
        }
        if let v6 = endpoint.ipv6 {
            batch.addAddress(
                InterfaceAddress(
                    interface: link.index, address: v6.address.bytes, prefixLength: v6.prefixLength))
        }
        batch.setLinkUp(link.index, name: name)
        if let gateway = endpoint.ipv4?.gateway {
            batch.addDefaultRoute(gateway: gateway.bytes, interface: link.index)
        }
        if let gateway = endpoint.ipv6?.gateway {
            batch.addDefaultRoute(gateway: gateway.bytes, interface: link.index)
        }
        try socket.transact(batch)
    }
}
