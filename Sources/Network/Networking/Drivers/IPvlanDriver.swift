import Netlink

/// Networks whose containers share the MAC address of one of the host's interfaces: told apart by address alone.
struct IPvlanDriver: NetworkDriver {
    static let modeOption = "ipvlan_mode"
    static let flagOption = "ipvlan_flag"

    let parents: ParentInterfaces
    let routes: RouteClient

    func complete(_ record: inout NetworkRecord) throws(NetworkError) {
        _ = try SharedLinkParent(record, prefix: "di")
        _ = try Self.kind(record)
        _ = try SharedLinkNetwork.mtu(record)
    }

    func stand(_ record: NetworkRecord) throws(NetworkError) -> any StandingNetwork {
        try SharedLinkNetwork(
            record, kind: try Self.kind(record), parent: SharedLinkParent(record, prefix: "di"),
            parents: parents, routes: routes)
    }

    /// - Throws: `NetworkError` (`invalidRequest`) in Docker's words
    private static func kind(_ record: NetworkRecord) throws(NetworkError) -> SharedLink.Kind {
        let mode: IPvlanMode
        switch record.options[modeOption] ?? "" {
        case "", "l2": mode = .l2
        case "l3": mode = .l3
        case "l3s": mode = .l3s
        case let other:
            throw NetworkError(
                .invalidRequest,
                "requested ipvlan mode '\(other)' is not valid, 'l2' mode is the ipvlan driver default")
        }
        switch record.options[flagOption] ?? "" {
        case "", "bridge": return .ipvlan(mode, .bridge)
        case "private": return .ipvlan(mode, .isolated)
        case "vepa": return .ipvlan(mode, .vepa)
        case let other:
            throw NetworkError(
                .invalidRequest,
                "requested ipvlan flag '\(other)' is not valid, 'bridge' is the ipvlan driver default")
        }
    }
}
