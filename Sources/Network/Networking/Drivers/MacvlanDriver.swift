import Netlink

/// Networks whose containers have MAC addresses of their own on the network of one of the host's interfaces.
struct MacvlanDriver: NetworkDriver {
    static let modeOption = "macvlan_mode"

    let parents: ParentInterfaces
    let routes: RouteClient

    func complete(_ record: inout NetworkRecord) throws(NetworkError) {
        _ = try SharedLinkParent(record, prefix: "dm")
        _ = try Self.mode(record)
        _ = try SharedLinkNetwork.mtu(record)
    }

    func stand(_ record: NetworkRecord) throws(NetworkError) -> any StandingNetwork {
        try SharedLinkNetwork(
            record, kind: .macvlan(try Self.mode(record)), parent: SharedLinkParent(record, prefix: "dm"),
            parents: parents, routes: routes)
    }

    /// - Throws: `NetworkError` (`invalidRequest`) in Docker's words
    private static func mode(_ record: NetworkRecord) throws(NetworkError) -> MacvlanMode {
        switch record.options[modeOption] ?? "" {
        case "", "bridge": return .bridge
        case "private": return .isolated
        case "vepa": return .vepa
        case "passthru": return .passthru
        case let other:
            throw NetworkError(
                .invalidRequest,
                "requested macvlan mode '\(other)' is not valid, 'bridge' mode is the macvlan driver default")
        }
    }
}
