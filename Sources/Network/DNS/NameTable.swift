/// The names of containers, by network.
package struct NameTable: Sendable {
    /// A container's place on a network, and what it is called there.
    package struct Endpoint: Sendable, Hashable {
        package var id: String
        /// The network's id and name.
        package var network: String
        package var networkName: String
        /// The container's own name first.
        package var names: [String]
        /// Four or sixteen bytes each.
        package var addresses: [[UInt8]]

        package init(id: String, network: String, networkName: String, names: [String], addresses: [[UInt8]])
        {
            self.id = id
            self.network = network
            self.networkName = networkName
            self.names = names
            self.addresses = addresses
        }
    }

    /// The addresses of one name. Each family has a turn of its own: resolvers ask for both at once.
    private struct Addresses: Sendable {
        var v4: [[UInt8]] = []
        var v6: [[UInt8]] = []
        var turn4 = 0
        var turn6 = 0

        mutating func add(_ address: [UInt8]) {
            if address.count == 4 {
                if !v4.contains(address) { v4.append(address) }
            } else if !v6.contains(address) {
                v6.append(address)
            }
        }

        /// Another address first each time.
        mutating func next(_ type: UInt16) -> [Record] {
            var result: [Record] = []
            if type == RecordType.address || type == RecordType.any {
                result += Self.rotated(v4, &turn4)
            }
            if type == RecordType.address6 || type == RecordType.any {
                result += Self.rotated(v6, &turn6)
            }
            return result
        }

        mutating func take(turnsOf old: Addresses) {
            turn4 = v4.isEmpty ? 0 : old.turn4 % v4.count
            turn6 = v6.isEmpty ? 0 : old.turn6 % v6.count
        }

        private static func rotated(_ addresses: [[UInt8]], _ turn: inout Int) -> [Record] {
            guard addresses.count > 1 else { return addresses.map { .address($0) } }
            turn = (turn + 1) % addresses.count
            return (addresses[turn...] + addresses[..<turn]).map { .address($0) }
        }
    }

    private struct Network: Sendable {
        var endpoints: [String: Endpoint] = [:]
        var isStale = false
        /// `web`, and `web.mynet`.
        var plain: [DomainName: Addresses] = [:]
        var qualified: [DomainName: Addresses] = [:]
        var reverse: [[UInt8]: DomainName] = [:]
        /// Of the network.
        var name: DomainName?

        mutating func refresh() {
            guard isStale else { return }
            isStale = false
            let before = (plain, qualified)
            (plain, qualified, reverse) = ([:], [:], [:])
            for endpoint in endpoints.values.sorted(by: { $0.id < $1.id }) { enter(endpoint) }
            // A change elsewhere does not begin the rotation anew.
            for (name, old) in before.0 { plain[name]?.take(turnsOf: old) }
            for (name, old) in before.1 { qualified[name]?.take(turnsOf: old) }
        }

        private mutating func enter(_ endpoint: Endpoint) {
            let suffix = DomainName(endpoint.networkName)
            name = suffix?.folded
            for (index, text) in endpoint.names.enumerated() {
                guard let own = DomainName(text) else { continue }
                let full = suffix.flatMap { own.below($0) }
                for address in endpoint.addresses {
                    plain[own.folded, default: Addresses()].add(address)
                    if let full { qualified[full.folded, default: Addresses()].add(address) }
                    if index == 0 { reverse[address] = full ?? own }
                }
            }
        }
    }

    private var networks: [String: Network] = [:]
    /// The network of each endpoint.
    private var places: [String: String] = [:]

    package init() {}

    package var endpoints: Dictionary<String, String>.Keys { places.keys }

    /// Enters an endpoint, in place of what was known of it.
    package mutating func set(_ endpoint: Endpoint) {
        if let place = places[endpoint.id], place != endpoint.network { remove(endpoint.id) }
        places[endpoint.id] = endpoint.network
        networks[endpoint.network, default: Network()].endpoints[endpoint.id] = endpoint
        networks[endpoint.network]?.isStale = true
    }

    package mutating func remove(_ endpoint: String) {
        guard let place = places.removeValue(forKey: endpoint) else { return }
        networks[place]?.endpoints[endpoint] = nil
        networks[place]?.isStale = true
        if networks[place]?.endpoints.isEmpty == true { networks[place] = nil }
    }

    package mutating func removeAll(except kept: Set<String>) {
        for endpoint in places.keys where !kept.contains(endpoint) { remove(endpoint) }
    }

    /// What a container that sees `view` is told about a question.
    /// - Returns: nil where the name is not known here; no records where it is, but not of that type
    package mutating func records(_ query: Query, _ view: NameView) -> [Record]? {
        guard query.recordClass == RecordClass.internet || query.recordClass == RecordClass.any else {
            return nil
        }
        let name = query.name.folded
        for network in view.networks { networks[network]?.refresh() }
        if query.type == RecordType.pointer, let address = name.reverseAddress {
            for network in view.networks {
                if let found = networks[network]?.reverse[address] { return [.pointer(found)] }
            }
            return nil
        }
        for (alias, target) in view.links {
            if name == alias, let found = find(target, \.plain, query.type, view.networks) { return found }
            for network in view.networks {
                guard let suffix = networks[network]?.name, let full = alias.below(suffix), full == name
                else {
                    continue
                }
                if let found = find(target, \.plain, query.type, [network]) { return found }
            }
        }
        return find(name, \.plain, query.type, view.networks)
            ?? find(name, \.qualified, query.type, view.networks)
    }

    private mutating func find(
        _ name: DomainName, _ names: WritableKeyPath<Network, [DomainName: Addresses]>, _ type: UInt16,
        _ order: [String]
    ) -> [Record]? {
        for network in order {
            if let found = networks[network]?[keyPath: names][name]?.next(type) { return found }
        }
        return nil
    }
}
