import Glibc
import LinuxKernel
import Netlink

/// Where a container is answered: sockets at ports of its loopback that the kernel chose, and a table in its network
/// namespace that leads 127.0.0.11:53 to them. Port 53 itself stays free for the container's own servers.
struct ResolverSockets: Sendable {
    let datagrams: SharedDescriptor
    let listener: SharedDescriptor
    /// A pidfd: whoever has the sockets lets go of them when the process ends, because they keep the namespace.
    let process: SharedDescriptor

    /// What containers ask, as in Docker.
    static let address = IPv4Address(0x7f00_000b)
    private static let service: UInt16 = 53

    /// Not the instance's own name: a container may run an instance of that name.
    static func table(instance: String) -> String { "\(instance)-names" }

    /// Makes all of it in the namespace of a process.
    /// - Throws: `ESRCH` or `ENOENT` where the process has ended
    static func open(_ process: Int32, table: String) throws(SystemCallError) -> ResolverSockets {
        try open(process, table: table, isFirst: true)
    }

    /// Makes it again, where the sockets of an earlier time are gone.
    static func reopen(_ resolver: ContainerResolver, table: String) throws(SystemCallError)
        -> ResolverSockets
    {
        try open(resolver.process, table: table, isFirst: false)
    }

    private static func open(
        _ process: Int32, table: String, isFirst: Bool
    ) throws(SystemCallError) -> ResolverSockets {
        let pidfd = SharedDescriptor(try openPidfd(process))
        let namespace = try openFile("/proc/\(process)/ns/net", O_RDONLY)
        // The number may belong to another process by now; the one that was meant has ended then.
        var ended = pollfd(fd: pidfd.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&ended, 1, 0) == 0 else {
            throw SystemCallError(call: "pidfd_open", errno: ESRCH, subject: "process \(process)")
        }
        return try NetworkNamespace.run(in: namespace.rawValue) { () throws(SystemCallError) in
            let datagrams = try bound(SOCK_DGRAM)
            let listener = try bound(SOCK_STREAM)
            let raw = listener.rawValue
            try systemCall("listen", "\(address)") { listen(raw, 64) }
            let transaction = redirection(
                table, udp: try port(of: datagrams), tcp: try port(of: listener), replaces: !isFirst)
            try NetlinkSocket(NetlinkProtocol.netfilter).transact(transaction.finished())
            // A client that keeps its socket would be led to the port of before.
            if !isFirst { try forgetFormer() }
            return ResolverSockets(datagrams: datagrams, listener: listener, process: pidfd)
        }
    }

    private static func bound(_ type: __socket_type) throws(SystemCallError) -> SharedDescriptor {
        let kind = Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let raw = try systemCall("socket", "\(address)") { socket(AF_INET, kind, 0) }
        let owned = SharedDescriptor(Descriptor(owning: raw))
        try HostPortSocket.bind(raw, .v4(address), 0, "\(address)")
        return owned
    }

    private static func port(of socket: SharedDescriptor) throws(SystemCallError) -> UInt16 {
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let raw = socket.rawValue
        try systemCall("getsockname", "\(address)") {
            withUnsafeMutablePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(raw, $0, &length) }
            }
        }
        return UInt16(bigEndian: name.sin_port)
    }

    /// The table: what a process sends to 127.0.0.11:53 goes to the ports, and connection tracking gives the answers their
    /// source back.
    /// - Parameter replaces: whether there may be such a table. In a new namespace there is none, and a deletion makes the
    ///   close of the socket wait for the kernel to free what it deleted, 10 to 20 ms.
    static func redirection(
        _ table: String, udp: UInt16, tcp: UInt16, replaces: Bool
    ) -> NftablesTransaction {
        let chain = "output"
        let r0 = NftablesRegister(0)
        var transaction = NftablesTransaction(table: table)
        if replaces {
            // The first makes sure that there is one to delete.
            transaction.addTable()
            transaction.deleteTable()
        }
        transaction.addTable()
        transaction.addChain(chain, hook: NftablesHook(.output, .nat, priority: -100))
        for (transport, port) in [(TransportProtocol.udp, udp), (.tcp, tcp)] {
            transaction.addRule(
                chain,
                [
                    .metadata(.family, to: r0), .compare(r0, isEqual: true, [2]),
                    .payload(.network, offset: 16, length: 4, to: r0),
                    .compare(r0, isEqual: true, address.bytes),
                    .metadata(.transport, to: r0), .compare(r0, isEqual: true, [transport.number]),
                    .payload(.transport, offset: 2, length: 2, to: r0),
                    .compare(r0, isEqual: true, bigEndian(service)),
                    .load(address.bytes, to: NftablesRegister(8)),
                    .load(bigEndian(port), to: NftablesRegister(9)),
                    .translate(isIPv4: true, address: NftablesRegister(8), port: NftablesRegister(9)),
                ])
        }
        return transaction
    }

    private static func bigEndian(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xff)] }

    private static func forgetFormer() throws(SystemCallError) {
        try Conntrack.forget(isIPv4: true) { connection in
            connection.original.destination == address.bytes && connection.original.destinationPort == service
        }
    }
}
