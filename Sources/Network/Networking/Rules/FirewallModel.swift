import Netlink

/// Everything that an instance's nftables table holds, as values: the rules never change, the elements do.
struct FirewallModel: Sendable {
    /// A bridge and how traffic over it is treated.
    struct Bridge: Sendable, Hashable {
        /// How one family's traffic crosses the border of the network.
        struct Border: Sendable, Hashable {
            /// Containers leave under the host's address.
            var masquerade = false
            /// Everybody reaches every port of the containers.
            var isOpen = false
            /// Published ports are reached at the containers' own addresses, and so is ICMP.
            var isRouted = false
        }

        var name: String
        var subnets: [AddressBlock]
        var v4 = Border()
        var v6 = Border()
        var interContainerCommunication: Bool
        /// Nothing comes in from other interfaces, and nothing leaves by them.
        var isInternal = false
    }

    /// One element of a map of published ports.
    struct Port: Sendable, Hashable {
        var hostAddress: IPAddress
        var hostPort: UInt16
        var transport: TransportProtocol
        /// Of the same family as `hostAddress`.
        var containerAddress: IPAddress
        var containerPort: UInt16
        /// Reached at the container's address instead of the host's.
        var isRouted = false
    }

    enum SetName {
        static let bridges = "bridges"
        static let masqueraded4 = "masqueraded4"
        static let masqueraded6 = "masqueraded6"
        static let open4 = "open4"
        static let open6 = "open6"
        static let routed4 = "routed4"
        static let routed6 = "routed6"
        static let reachable4 = "reachable4"
        static let reachable6 = "reachable6"
        static let `internal` = "internal"
        static let talking = "talking"
        static let isolated = "isolated"
        static let subnets4 = "subnets4"
        static let subnets6 = "subnets6"
        static let published4 = "published4"
        static let published6 = "published6"
        static let publishedAny4 = "published_any4"
        static let publishedAny6 = "published_any6"
    }

    var bridges: [String: Bridge] = [:]
    /// By endpoint id.
    var ports: [String: [Port]] = [:]

    static let sets: [NftablesSet] = [
        NftablesSet(SetName.bridges, key: [.interfaceName]),
        NftablesSet(SetName.masqueraded4, key: [.interfaceName]),
        NftablesSet(SetName.masqueraded6, key: [.interfaceName]),
        NftablesSet(SetName.open4, key: [.interfaceName]),
        NftablesSet(SetName.open6, key: [.interfaceName]),
        NftablesSet(SetName.routed4, key: [.interfaceName]),
        NftablesSet(SetName.routed6, key: [.interfaceName]),
        NftablesSet(SetName.reachable4, key: [.ipv4Address, .transport, .port]),
        NftablesSet(SetName.reachable6, key: [.ipv6Address, .transport, .port]),
        NftablesSet(SetName.internal, key: [.interfaceName]),
        NftablesSet(SetName.talking, key: [.interfaceName, .interfaceName]),
        NftablesSet(SetName.isolated, key: [.interfaceName]),
        NftablesSet(SetName.subnets4, key: [.ipv4Address], isInterval: true),
        NftablesSet(SetName.subnets6, key: [.ipv6Address], isInterval: true),
        NftablesSet(
            SetName.published4, key: [.ipv4Address, .transport, .port], value: [.ipv4Address, .port]),
        NftablesSet(
            SetName.published6, key: [.ipv6Address, .transport, .port], value: [.ipv6Address, .port]),
        NftablesSet(SetName.publishedAny4, key: [.transport, .port], value: [.ipv4Address, .port]),
        NftablesSet(SetName.publishedAny6, key: [.transport, .port], value: [.ipv6Address, .port]),
    ]

    /// The elements of a bridge, by set.
    static func elements(of bridge: Bridge) -> [(set: String, elements: [NftablesElement])] {
        let name = NftablesElement.interfaceName(bridge.name)
        var result = [(SetName.bridges, [NftablesElement(key: name)])]
        let memberships = [
            (bridge.v4.masquerade, SetName.masqueraded4), (bridge.v6.masquerade, SetName.masqueraded6),
            (bridge.v4.isOpen, SetName.open4), (bridge.v6.isOpen, SetName.open6),
            (bridge.v4.isRouted, SetName.routed4), (bridge.v6.isRouted, SetName.routed6),
            (bridge.isInternal, SetName.internal),
        ]
        for (isMember, set) in memberships where isMember {
            result.append((set, [NftablesElement(key: name)]))
        }
        if bridge.interContainerCommunication {
            result.append((SetName.talking, [NftablesElement(key: name + name)]))
        } else {
            result.append((SetName.isolated, [NftablesElement(key: name)]))
        }
        for subnet in bridge.subnets {
            let set = subnet.address.isIPv4 ? SetName.subnets4 : SetName.subnets6
            result.append((set, [interval(subnet)]))
        }
        return result.map { (set: $0.0, elements: $0.1) }
    }

    private static func interval(_ subnet: AddressBlock) -> NftablesElement {
        let last = subnet.last
        let highest: UInt128 = subnet.address.isIPv4 ? UInt128(UInt32.max) : .max
        let end = last.number == highest ? nil : last.with(number: last.number + 1).bytes
        return NftablesElement(key: subnet.first.bytes, end: end)
    }

    /// The elements of published ports, by map.
    static func elements(of ports: [Port]) -> [(set: String, elements: [NftablesElement])] {
        var bySet: [String: [NftablesElement]] = [:]
        for port in ports where port.isRouted {
            let key = NftablesElement.concatenated([
                port.containerAddress.bytes, [port.transport.number], bigEndian(port.containerPort),
            ])
            let element = NftablesElement(key: key)
            let set = port.containerAddress.isIPv4 ? SetName.reachable4 : SetName.reachable6
            // Two host addresses may lead to one port.
            if bySet[set]?.contains(element) != true { bySet[set, default: []].append(element) }
        }
        for port in ports where !port.isRouted {
            let address = port.hostAddress
            let service = [[port.transport.number], bigEndian(port.hostPort)]
            let value = NftablesElement.concatenated([
                port.containerAddress.bytes, bigEndian(port.containerPort),
            ])
            let set =
                switch (address.isUnspecified, address.isIPv4) {
                case (true, true): SetName.publishedAny4
                case (true, false): SetName.publishedAny6
                case (false, true): SetName.published4
                case (false, false): SetName.published6
                }
            let key = NftablesElement.concatenated(
                address.isUnspecified ? service : [address.bytes] + service)
            bySet[set, default: []].append(NftablesElement(key: key, value: value))
        }
        return bySet.sorted { $0.key < $1.key }.map { (set: $0.key, elements: $0.value) }
    }

    private static func bigEndian(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 0xff)] }

    /// Replaces the whole table in one step, whatever it held before.
    /// - Parameter present: what it holds now, where something in it is the users' and stays
    func replacing(table: String, keepingUsersOf present: NftablesRuleset.Contents? = nil)
        -> NftablesTransaction
    {
        var transaction = Self.clearing(table: table, keepingUsersOf: present)
        transaction.addTable()
        for set in Self.sets { transaction.addSet(set) }
        FirewallRules.add(to: &transaction)
        for bridge in bridges.values.sorted(by: { $0.name < $1.name }) {
            for (set, elements) in Self.elements(of: bridge) { transaction.addElements(set, elements) }
        }
        for (set, elements) in Self.elements(of: ports.values.flatMap { $0 }) {
            transaction.addElements(set, elements)
        }
        return transaction
    }

    /// Empties the table, and takes it away where nothing in it is the users'.
    static func clearing(
        table: String, keepingUsersOf present: NftablesRuleset.Contents?
    ) -> NftablesTransaction {
        var transaction = NftablesTransaction(table: table)
        // The first makes sure that there is one to delete.
        transaction.addTable()
        guard let present else {
            transaction.deleteTable()
            return transaction
        }
        let chains = present.chains.filter { !FirewallRules.isUsers($0) }
        // Rules first: they refer to chains and sets.
        for chain in chains { transaction.deleteRules(chain) }
        for chain in chains { transaction.deleteChain(chain) }
        for set in present.sets where !FirewallRules.isUsers(set) { transaction.deleteSet(set) }
        return transaction
    }
}
