import Netlink

/// The rules of an instance's table. They refer to sets and maps only, so they are written once.
///
/// Base chains accept by default, and the two drops match only packets of the instance's own bridges: no other traffic
/// of the host is touched, and another table's drop still holds.
enum FirewallRules {
    private enum Chain {
        static let arrival = "arrival"
        static let prerouting = "prerouting"
        static let output = "output"
        static let publish = "publish"
        static let forward = "forward"
        static let inbound = "inbound"
        static let postrouting = "postrouting"
    }

    /// The users' own chain, which forwarded packets meet first: what it accepts or drops is decided. It, and what else of
    /// the table has a name that begins so, is kept when the table is written anew.
    static let userChain = "user"

    /// Whether a chain or a set of the table is the users': nothing of the engine touches it.
    static func isUsers(_ name: String) -> Bool { name.hasPrefix(userChain) }

    private static let r0 = NftablesRegister(0)
    private static let isIPv4: [NftablesExpression] = [
        .metadata(.family, to: r0), .compare(r0, isEqual: true, [2]),
    ]
    private static let isIPv6: [NftablesExpression] = [
        .metadata(.family, to: r0), .compare(r0, isEqual: true, [10]),
    ]
    private static let sourceOffset4: UInt32 = 12
    private static let destinationOffset4: UInt32 = 16
    private static let sourceOffset6: UInt32 = 8
    private static let destinationOffset6: UInt32 = 24

    static func add(to transaction: inout NftablesTransaction) {
        transaction.addChain(Chain.arrival, hook: NftablesHook(.prerouting, .filter, priority: -300))
        transaction.addChain(Chain.prerouting, hook: NftablesHook(.prerouting, .nat, priority: -100))
        transaction.addChain(Chain.output, hook: NftablesHook(.output, .nat, priority: -100))
        transaction.addChain(Chain.forward, hook: NftablesHook(.forward, .filter, priority: 0))
        transaction.addChain(Chain.postrouting, hook: NftablesHook(.postrouting, .nat, priority: 100))
        transaction.addChain(Chain.publish)
        transaction.addChain(Chain.inbound)
        transaction.addChain(userChain)
        transaction.addRule(Chain.forward, [.verdict(.jump(userChain))])
        addArrival(&transaction)
        addPublish(&transaction)
        addForward(&transaction)
        addPostrouting(&transaction)
    }

    private static func loopback4(offset: UInt32) -> [NftablesExpression] {
        isIPv4 + [.payload(.network, offset: offset, length: 1, to: r0), .compare(r0, isEqual: true, [127])]
    }

    /// The bridges route 127/8 (`route_localnet`), so that localhost reaches published ports; nothing that a container
    /// sends to such an address may reach the host's own services.
    private static func addArrival(_ transaction: inout NftablesTransaction) {
        transaction.addRule(
            Chain.arrival,
            loopback4(offset: destinationOffset4) + [
                .metadata(.inputInterfaceName, to: r0),
                .isMember(r0, of: FirewallModel.SetName.bridges, inverted: false), .verdict(.drop),
            ])
    }

    /// Destination NAT of published ports: a port of one host address first, then of every one. Only a local program
    /// reaches 127/8 this way: the translation comes before the kernel would refuse such a packet from outside. `::1`
    /// cannot leave the loopback at all and goes to the forwarder.
    ///
    /// Nor are containers translated that may not talk to each other: where br_netfilter is on, the kernel would switch
    /// the translated packet from port to port at once, and both are isolated. They reach the forwarder instead.
    private static func addPublish(_ transaction: inout NftablesTransaction) {
        transaction.addRule(
            Chain.prerouting,
            [
                .metadata(.inputInterfaceName, to: r0),
                .isMember(r0, of: FirewallModel.SetName.isolated, inverted: false), .verdict(.return),
            ])
        transaction.addRule(
            Chain.prerouting, loopback4(offset: destinationOffset4) + [.verdict(.return)])
        transaction.addRule(Chain.prerouting, [.verdict(.jump(Chain.publish))])
        transaction.addRule(
            Chain.output,
            isIPv6 + [
                .payload(.network, offset: destinationOffset6, length: 16, to: r0),
                .compare(r0, isEqual: true, IPv6Address.loopback.bytes), .verdict(.return),
            ])
        transaction.addRule(Chain.output, [.verdict(.jump(Chain.publish))])
        transaction.addRule(Chain.publish, translation(isIPv4: true, anyAddress: false))
        transaction.addRule(Chain.publish, translation(isIPv4: true, anyAddress: true))
        transaction.addRule(Chain.publish, translation(isIPv4: false, anyAddress: false))
        transaction.addRule(Chain.publish, translation(isIPv4: false, anyAddress: true))
    }

    private static func translation(isIPv4: Bool, anyAddress: Bool) -> [NftablesExpression] {
        typealias Name = FirewallModel.SetName
        var rule = isIPv4 ? self.isIPv4 : isIPv6
        var next: UInt32 = 0
        if anyAddress {
            // RTN_LOCAL, in the byte order of the host.
            rule += [.destinationKind(to: r0), .compare(r0, isEqual: true, [2, 0, 0, 0])]
        } else {
            rule.append(
                .payload(
                    .network, offset: isIPv4 ? destinationOffset4 : destinationOffset6,
                    length: isIPv4 ? 4 : 16,
                    to: r0))
            next = isIPv4 ? 1 : 4
        }
        // Destination ports stand at the same place in TCP, UDP and SCTP.
        rule += [
            .metadata(.transport, to: NftablesRegister(next)),
            .payload(.transport, offset: 2, length: 2, to: NftablesRegister(next + 1)),
        ]
        let map =
            isIPv4
            ? (anyAddress ? Name.publishedAny4 : Name.published4)
            : (anyAddress ? Name.publishedAny6 : Name.published6)
        let address = NftablesRegister(8)
        rule += [
            .look(up: r0, in: map, to: address),
            .translate(isIPv4: isIPv4, address: address, port: NftablesRegister(8 + (isIPv4 ? 1 : 4))),
        ]
        return rule
    }

    /// Into a bridge come answers, published ports, and what its own containers send where they may talk. Everything
    /// else stays out: other bridges, and hosts that route to a container's address directly.
    private static func addForward(_ transaction: inout NftablesTransaction) {
        typealias Name = FirewallModel.SetName
        // Nearly every packet belongs to a connection whose first one was let through here.
        // established (2) and related (4), in the byte order of the host
        transaction.addRule(
            Chain.forward,
            [
                .connection(.state, to: r0), .mask(r0, [6, 0, 0, 0]),
                .compare(r0, isEqual: false, [0, 0, 0, 0]),
                .verdict(.accept),
            ])
        for interface in [NftablesExpression.Metadata.inputInterfaceName, .outputInterfaceName] {
            transaction.addRule(
                Chain.forward,
                [.metadata(interface, to: r0), .isMember(r0, of: Name.internal, inverted: false)]
                    + isTalking(inverted: true) + [.counter, .verdict(.drop)])
        }
        transaction.addRule(
            Chain.forward,
            [
                .metadata(.outputInterfaceName, to: r0), .isMember(r0, of: Name.bridges, inverted: false),
                .verdict(.jump(Chain.inbound)),
            ])
        transaction.addRule(Chain.inbound, isTranslated + [.verdict(.accept)])
        transaction.addRule(Chain.inbound, isTalking(inverted: false) + [.verdict(.accept)])
        for isIPv4 in [true, false] {
            let family = isIPv4 ? self.isIPv4 : isIPv6
            let outgoing: [NftablesExpression] = [.metadata(.outputInterfaceName, to: r0)]
            transaction.addRule(
                Chain.inbound,
                family + outgoing + [
                    .isMember(r0, of: isIPv4 ? Name.open4 : Name.open6, inverted: false), .verdict(.accept),
                ])
            transaction.addRule(
                Chain.inbound,
                family + outgoing + [
                    .isMember(r0, of: isIPv4 ? Name.routed4 : Name.routed6, inverted: false),
                    .metadata(.transport, to: r0), .compare(r0, isEqual: true, [isIPv4 ? 1 : 58]),
                    .verdict(.accept),
                ])
            transaction.addRule(Chain.inbound, isReachable(isIPv4: isIPv4) + [.verdict(.accept)])
        }
        transaction.addRule(Chain.inbound, [.counter, .verdict(.drop)])
    }

    /// Whether the two interfaces are those of containers that may talk to each other.
    private static func isTalking(inverted: Bool) -> [NftablesExpression] {
        [
            .metadata(.inputInterfaceName, to: r0),
            .metadata(.outputInterfaceName, to: NftablesRegister(4)),
            .isMember(r0, of: FirewallModel.SetName.talking, inverted: inverted),
        ]
    }

    /// Whether the packet is for a published port of a network that is routed, not translated.
    private static func isReachable(isIPv4: Bool) -> [NftablesExpression] {
        let next: UInt32 = isIPv4 ? 1 : 4
        return (isIPv4 ? self.isIPv4 : isIPv6) + [
            .payload(
                .network, offset: isIPv4 ? destinationOffset4 : destinationOffset6, length: isIPv4 ? 4 : 16,
                to: r0),
            .metadata(.transport, to: NftablesRegister(next)),
            .payload(.transport, offset: 2, length: 2, to: NftablesRegister(next + 1)),
            .isMember(
                r0, of: isIPv4 ? FirewallModel.SetName.reachable4 : FirewallModel.SetName.reachable6,
                inverted: false),
        ]
    }

    /// `ct status dnat` (bit 5).
    private static let isTranslated: [NftablesExpression] = [
        .connection(.status, to: r0), .mask(r0, [0x20, 0, 0, 0]), .compare(r0, isEqual: false, [0, 0, 0, 0]),
    ]

    /// What leaves for elsewhere goes under the host's address. What comes back to a bridge through a published port
    /// does so where the container could not answer otherwise: from the bridge's own subnet, and from localhost.
    private static func addPostrouting(_ transaction: inout NftablesTransaction) {
        typealias Name = FirewallModel.SetName
        let toBridge: [NftablesExpression] = [
            .metadata(.outputInterfaceName, to: r0), .isMember(r0, of: Name.bridges, inverted: false),
        ]
        for isIPv4 in [true, false] {
            transaction.addRule(
                Chain.postrouting,
                (isIPv4 ? self.isIPv4 : isIPv6) + [
                    .metadata(.inputInterfaceName, to: r0),
                    .isMember(r0, of: isIPv4 ? Name.masqueraded4 : Name.masqueraded6, inverted: false),
                    .metadata(.outputInterfaceName, to: r0), .isMember(r0, of: Name.bridges, inverted: true),
                    .masquerade,
                ])
        }
        transaction.addRule(Chain.postrouting, toBridge + loopback4(offset: sourceOffset4) + [.masquerade])
        transaction.addRule(
            Chain.postrouting,
            toBridge + isTranslated + isIPv4 + [
                .payload(.network, offset: sourceOffset4, length: 4, to: r0),
                .isMember(r0, of: Name.subnets4, inverted: false), .masquerade,
            ])
        transaction.addRule(
            Chain.postrouting,
            toBridge + isTranslated + isIPv6 + [
                .payload(.network, offset: sourceOffset6, length: 16, to: r0),
                .isMember(r0, of: Name.subnets6, inverted: false), .masquerade,
            ])
    }
}
