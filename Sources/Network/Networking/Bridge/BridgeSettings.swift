/// How containers of a bridge network are reached from outside.
enum GatewayMode: String, Sendable {
    /// At the host's addresses, by translation.
    case nat
    /// As `nat`, and every port directly, too.
    case natUnprotected = "nat-unprotected"
    /// Published ports directly, at the containers' addresses; nothing is translated.
    case routed
    /// As `nat` in an internal network, where the bridge has no address of its own.
    case isolated
}

/// What a bridge network is made from, whoever asked for it.
struct BridgeSettings: Sendable {
    var name: String
    /// The bridge's own addresses, with the prefix lengths of their subnets; at most one of each family.
    var addresses: [AddressBlock]
    /// Bytes; nil for the kernel's 1500.
    var mtu: Int?
    var interContainerCommunication = true
    var masquerade = true
    /// Where ports are published that name no address; nil is the daemon's default.
    var hostBindingAddress: IPAddress?
    var modeV4 = GatewayMode.nat
    var modeV6 = GatewayMode.nat
    var isInternal = false
    var interfacePrefix = "eth"
    /// Containers may send under addresses that are not theirs, as those that route for others have to.
    var allowsSpoofing = false
    /// Written on a bridge that is made, so that it is known as ours later; nil for the default bridge.
    var mark: String?

    func address(isIPv4: Bool) -> AddressBlock? { addresses.first { $0.address.isIPv4 == isIPv4 } }

    func mode(isIPv4: Bool) -> GatewayMode { isIPv4 ? modeV4 : modeV6 }

    /// What the firewall has to know.
    /// - Parameter subnets: of the network, whether the bridge has an address in them or not
    func firewallBridge(subnets: [AddressBlock]) -> FirewallModel.Bridge {
        func border(_ mode: GatewayMode) -> FirewallModel.Bridge.Border {
            FirewallModel.Bridge.Border(
                masquerade: masquerade && !isInternal && mode != .routed, isOpen: mode == .natUnprotected,
                isRouted: mode == .routed)
        }
        return FirewallModel.Bridge(
            name: name, subnets: subnets, v4: border(modeV4), v6: border(modeV6),
            interContainerCommunication: interContainerCommunication, isInternal: isInternal)
    }
}
