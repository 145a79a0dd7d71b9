import LinuxKernel
import Netlink

/// What an audit looks at: the containers, and the host as it is.
struct AuditScene: Sendable {
    /// A container's place on a network.
    struct Seat: Sendable {
        var endpoint: Endpoint
        /// The bridge that it is on; nil for a macvlan or ipvlan, whose parent is `parent`.
        var bridge: String?
        var parent: String?
        /// Whether the bridge keeps it from other isolated ports.
        var isIsolated: Bool
    }

    var seats: [Seat]
    /// Those of the uplink first.
    var hostAddresses: [IPAddress]
    /// The interface that other machines are behind: of the default route, else the first with an address.
    var uplink: String
    /// Whether the kernel shows bridged packets to the rules (`bridge-nf-call-iptables`).
    var filtersBridges: Bool
    var forwardsIPv4: Bool
    var forwardsIPv6: Bool
    /// The instance's own table.
    var table: String
}

extension AuditScene {
    /// Reads the host.
    /// - Parameter parents: the parent interface of networks without a bridge, by id
    static func read(
        _ endpoints: [Endpoint], parents: [String: String], table: String, _ routes: RouteClient
    ) throws(SystemCallError) -> AuditScene {
        let links = try routes.links()
        let names = Dictionary(links.map { ($0.index, $0.name) }) { first, _ in first }
        let byName = Dictionary(links.map { ($0.name, $0) }) { first, _ in first }
        let seats = endpoints.map { endpoint in
            let link = byName[endpoint.hostInterfaceName]
            return Seat(
                endpoint: endpoint, bridge: link?.master.flatMap { names[$0] },
                parent: parents[endpoint.networkID], isIsolated: link?.isIsolated ?? false)
        }
        let bridges = Set(seats.compactMap(\.bridge))
        let addresses = try routes.addresses()
        let usable = addresses.compactMap { found -> (name: String, address: IPAddress)? in
            guard let name = names[found.interface], let address = IPAddress(bytes: found.address) else {
                return nil
            }
            return (name, address)
        }
        // Without a default route: rather not a bridge, which may be one of ours without containers.
        let candidates = usable.filter { !$0.address.isLoopback && !bridges.contains($0.name) }.map(\.name)
        let uplink =
            try routes.defaultInterface().flatMap { names[$0] }
            ?? candidates.first { byName[$0]?.kind != "bridge" } ?? candidates.first ?? ""
        return AuditScene(
            seats: seats,
            hostAddresses: (usable.filter { $0.name == uplink } + usable.filter { $0.name != uplink })
                .map(\.address), uplink: uplink,
            filtersBridges: isSet("bridge/bridge-nf-call-iptables"),
            forwardsIPv4: isSet("ipv4/ip_forward"), forwardsIPv6: isSet("ipv6/conf/all/forwarding"),
            table: table)
    }

    private static func isSet(_ setting: String) -> Bool {
        let content = try? readFile("/proc/sys/net/\(setting)")
        return content?.first == UInt8(ascii: "1")
    }
}

extension RouteClient {
    /// The interface of the first default route.
    fileprivate func defaultInterface() throws(SystemCallError) -> Int32? {
        try mainRoutes().first { $0.prefixLength == 0 && $0.interface != nil }?.interface
    }
}
