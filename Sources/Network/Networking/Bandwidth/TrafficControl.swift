import Glibc
import LinuxKernel
import Netlink

/// Holds an endpoint to its bandwidth.
///
/// What leaves by an interface is delayed by a token bucket on it, in both directions of a veth pair: senders slow
/// down without losing much. A macvlan or ipvlan has no end on the host, so what it receives beyond the rate is
/// dropped, by nftables as it arrives. A container without CAP_NET_ADMIN can change neither.
enum TrafficControl {
    /// The table of the family `netdev` inside the container's namespace.
    static let table = "skiff_bandwidth"

    /// - Parameters:
    ///   - name: an interface of the socket's namespace
    ///   - bandwidth: nil takes a limit off
    static func limitSending(
        of name: String, to bandwidth: Bandwidth?, by socket: NetlinkSocket
    ) throws(SystemCallError) {
        var query = MessageBatch()
        query.getLink(name)
        guard let link = try socket.request(query).compactMap(Link.init).first else {
            throw SystemCallError(call: "RTM_GETLINK", errno: ENODEV, subject: name)
        }
        var batch = MessageBatch()
        if let bandwidth {
            batch.setTokenBucket(bandwidth.tokenBucket, interface: link.index, name: name)
        } else {
            batch.removeTokenBucket(interface: link.index, name: name)
        }
        try socket.transact(batch)
    }

    /// Limits what an interface without an end on the host sends and receives.
    /// - Parameter namespace: where the interface is
    static func limit(
        _ name: String, to bandwidth: Bandwidth, namespace: Int32
    ) throws(SystemCallError) {
        try NetworkNamespace.run(in: namespace) { () throws(SystemCallError) in
            try limitSending(of: name, to: bandwidth, by: try NetlinkSocket(NetlinkProtocol.route))
            try limitReceiving(of: name, to: bandwidth)
        }
    }

    /// Limits what a container sends by a veth pair, from inside.
    static func limitSending(
        of name: String, to bandwidth: Bandwidth, namespace: Int32
    ) throws(SystemCallError) {
        try NetworkNamespace.run(in: namespace) { () throws(SystemCallError) in
            try limitSending(of: name, to: bandwidth, by: try NetlinkSocket(NetlinkProtocol.route))
        }
    }

    private static func limitReceiving(
        of name: String, to bandwidth: Bandwidth
    ) throws(SystemCallError) {
        let socket = try NetlinkSocket(NetlinkProtocol.netfilter)
        // An interface of that name may have been here before.
        var removal = NftablesTransaction(table: table, family: .netdev)
        removal.deleteChain(name)
        do throws(SystemCallError) {
            try socket.transact(removal.finished())
        } catch {
            guard [ENOENT, EOPNOTSUPP, EAFNOSUPPORT].contains(error.errno) else { throw error }
        }
        var transaction = NftablesTransaction(table: table, family: .netdev)
        transaction.addTable()
        transaction.addChain(name, hook: NftablesHook(.ingress, .filter, priority: 0, device: name))
        transaction.addRule(
            name, [.over(bytesPerSecond: bandwidth.rate, burst: bandwidth.burst), .verdict(.drop)])
        try socket.transact(transaction.finished())
    }

    /// What to tell a user whose kernel lacks what a limit needs; nil for other failures.
    static func explain(_ error: SystemCallError) -> NetworkError? {
        guard [EOPNOTSUPP, ENOENT, EAFNOSUPPORT, EPROTONOSUPPORT].contains(error.errno) else { return nil }
        return NetworkError(
            .unsupported,
            "\(Bandwidth.rateOption) needs parts of the kernel that are missing here: load the modules sch_tbf (and for "
                + "macvlan and ipvlan nf_tables with the family netdev, nft_limit), or leave the option out (\(error))",
            cause: error)
    }
}
