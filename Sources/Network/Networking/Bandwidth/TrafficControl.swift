import Glibc
import LinuxKernel
import Netlink

/// Holds an endpoint to its bandwidth.
///
/// What leaves by an interface is delayed by a token bucket on it, in both directions of a veth pair: senders slow
/// down without losing much. A macvlan or ipvlan has no end on the host, so what it receives beyond the rate is
/// dropped, by nftables as it arrives, which after a pause lets a second's worth pass beyond the burst. A container
/// without CAP_NET_ADMIN can change neither.
enum TrafficControl {
    /// The table of the family `netdev` inside the container's namespace.
    static let table = "skiff_bandwidth"

    /// Limits what an interface without an end on the host sends and receives.
    /// - Parameter namespace: where the interface is
    static func limit(
        _ name: String, to bandwidth: Bandwidth, namespace: Int32
    ) throws(SystemCallError) {
        try NetworkNamespace.run(in: namespace) { () throws(SystemCallError) in
            try RouteClient().limitSending(of: name, to: bandwidth)
            try limitReceiving(of: name, to: bandwidth)
        }
    }

    /// Limits what a container sends by a veth pair, from inside.
    static func limitSending(
        of name: String, to bandwidth: Bandwidth, namespace: Int32
    ) throws(SystemCallError) {
        try NetworkNamespace.run(in: namespace) { () throws(SystemCallError) in
            try RouteClient().limitSending(of: name, to: bandwidth)
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
        do throws(SystemCallError) {
            try socket.transact(transaction.finished())
        } catch {
            throw [EOPNOTSUPP, EAFNOSUPPORT, ENOENT].contains(error.errno)
                ? missing("nf_tables with the family netdev, nft_limit", error) : error
        }
    }

    /// The same error with what the kernel lacks.
    fileprivate static func missing(_ modules: String, _ error: SystemCallError) -> SystemCallError {
        SystemCallError(
            call: error.call, errno: error.errno,
            subject: "\(error.subject): \(Bandwidth.rateOption) needs the kernel's \(modules)")
    }
}

extension RouteClient {
    /// Delays what an interface of the client's namespace sends.
    func limitSending(of name: String, to bandwidth: Bandwidth) throws(SystemCallError) {
        guard let link = try link(name) else {
            throw SystemCallError(call: "RTM_GETLINK", errno: ENODEV, subject: name)
        }
        do throws(SystemCallError) {
            try perform { $0.setTokenBucket(bandwidth.tokenBucket, interface: link.index, name: name) }
        } catch {
            throw error.errno == ENOENT ? TrafficControl.missing("sch_tbf", error) : error
        }
    }
}
