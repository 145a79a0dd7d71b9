import Glibc
import LinuxKernel
import Logging
import Netlink
import Synchronization

/// Keeps containers from sending under addresses that are not theirs: a table of the family `bridge` that knows which
/// MAC and which IP addresses belong behind which interface of a bridge.
///
/// It looks at IPv4, ARP, IPv6 and neighbour advertisements where they enter the bridge, before anything is switched or
/// routed. Router advertisements and tagged frames never come from a container. Without the kernel's part for it
/// (nf_tables_bridge) nothing is checked, which is logged once.
final class SourceGuard: Sendable {
    /// What belongs behind an interface.
    struct Source: Sendable, Hashable {
        /// The host's end.
        var interface: String
        var mac: MACAddress
        var addresses: [IPAddress]
    }

    private struct State {
        var sources: [String: Source] = [:]
        var socket: NetlinkSocket?
        var isUnsupported = false
    }

    private enum SetName {
        static let guarded = "guarded"
        static let macs = "macs"
        static let addresses4 = "addresses4"
        static let addresses6 = "addresses6"
        static let own4 = "own4"
        static let own6 = "own6"
    }

    private static let sets: [NftablesSet] = [
        NftablesSet(SetName.guarded, key: [.interfaceName]),
        NftablesSet(SetName.macs, key: [.interfaceName, .etherAddress]),
        NftablesSet(SetName.addresses4, key: [.interfaceName, .ipv4Address]),
        NftablesSet(SetName.addresses6, key: [.interfaceName, .ipv6Address]),
        NftablesSet(SetName.own4, key: [.interfaceName, .etherAddress, .ipv4Address]),
        NftablesSet(SetName.own6, key: [.interfaceName, .etherAddress, .ipv6Address]),
    ]

    private let table: String
    private let logger: Logger
    private let state = Mutex(State())

    init(table: String, logger: Logger) {
        self.table = table
        self.logger = logger
    }

    /// The netlink name of the socket that makes the changes; 0 before the first.
    var port: UInt32 { state.withLock { $0.socket?.port ?? 0 } }

    /// Puts a whole table in place.
    /// - Parameter sources: by endpoint id
    func replace(with sources: [String: Source]) throws(SystemCallError) {
        try withState { state throws(SystemCallError) in
            state.sources = sources
            try write(&state)
        }
    }

    /// Writes the table anew from what it has to hold.
    func restore() throws(SystemCallError) {
        try withState { state throws(SystemCallError) in
            if state.socket != nil { try write(&state) }
        }
    }

    /// Has only these addresses pass behind an endpoint's interface; to be called before the interface is there.
    func add(_ source: Source, endpoint: String) throws(SystemCallError) {
        try withState { state throws(SystemCallError) in
            let before = state.sources.updateValue(source, forKey: endpoint)
            guard before != source else { return }
            let previous = before.map { Self.elements(of: $0) } ?? []
            try change(&state) { transaction in
                for (set, element) in previous {
                    transaction.deleteElements(set, [element])
                }
                for (set, element) in Self.elements(of: source) { transaction.addElements(set, [element]) }
            }
        }
    }

    func remove(endpoint: String) throws(SystemCallError) {
        try withState { state throws(SystemCallError) in
            guard let source = state.sources.removeValue(forKey: endpoint) else { return }
            try change(&state) { transaction in
                for (set, element) in Self.elements(of: source) { transaction.deleteElements(set, [element]) }
            }
        }
    }

    /// Deletes the table.
    func remove() throws(SystemCallError) {
        try withState { state throws(SystemCallError) in
            guard state.socket != nil, !state.isUnsupported else { return }
            state.sources = [:]
            var transaction = NftablesTransaction(table: table, family: .bridge)
            transaction.addTable()
            transaction.deleteTable()
            try send(transaction, &state)
            state.socket = nil
        }
    }

    // MARK: Writing

    private func withState(_ body: (inout State) throws(SystemCallError) -> Void) throws(SystemCallError) {
        try state.withLock { (state: inout State) throws(SystemCallError) in try body(&state) }
    }

    private func change(
        _ state: inout State, _ body: (inout NftablesTransaction) -> Void
    ) throws(SystemCallError) {
        guard !state.isUnsupported, state.socket != nil else { return }
        var transaction = NftablesTransaction(table: table, family: .bridge)
        body(&transaction)
        do throws(SystemCallError) {
            try send(transaction, &state)
        } catch {
            guard error.errno == ENOENT || error.errno == EEXIST else { throw error }
            // The table is not what it was: somebody flushed or changed it.
            try write(&state)
        }
    }

    private func write(_ state: inout State) throws(SystemCallError) {
        guard !state.isUnsupported else { return }
        do throws(SystemCallError) {
            try send(whole(state.sources), &state)
        } catch {
            guard [EOPNOTSUPP, ENOENT, EPROTONOSUPPORT, EAFNOSUPPORT].contains(error.errno) else {
                throw error
            }
            state.isUnsupported = true
            logger.warning(
                "containers can send under addresses that are not theirs: this kernel lacks nf_tables_bridge",
                metadata: ["cause": "\(error)"])
        }
    }

    private func send(_ transaction: NftablesTransaction, _ state: inout State) throws(SystemCallError) {
        if state.socket == nil { state.socket = try NetlinkSocket(NetlinkProtocol.netfilter) }
        try state.socket?.transact(transaction.finished())
    }

    private func whole(_ sources: [String: Source]) -> NftablesTransaction {
        var transaction = NftablesTransaction(table: table, family: .bridge)
        // The first makes sure that there is one to delete.
        transaction.addTable()
        transaction.deleteTable()
        transaction.addTable()
        for set in Self.sets { transaction.addSet(set) }
        SourceRules.add(to: &transaction)
        for source in sources.values {
            for (set, element) in Self.elements(of: source) { transaction.addElements(set, [element]) }
        }
        return transaction
    }

    private static func elements(of source: Source) -> [(set: String, element: NftablesElement)] {
        let interface = NftablesElement.interfaceName(source.interface)
        func element(_ bytes: [UInt8]) -> NftablesElement {
            NftablesElement(key: NftablesElement.concatenated([interface, bytes]))
        }
        return [
            (SetName.guarded, NftablesElement(key: interface)), (SetName.macs, element(source.mac.bytes)),
        ]
            + Set(source.addresses).flatMap { address in
                let whole = NftablesElement.concatenated([interface, source.mac.bytes, address.bytes])
                return [
                    (address.isIPv4 ? SetName.addresses4 : SetName.addresses6, element(address.bytes)),
                    (address.isIPv4 ? SetName.own4 : SetName.own6, NftablesElement(key: whole)),
                ]
            }
    }
}

/// The rules of the table; they refer to its sets only.
private enum SourceRules {
    private static let r0 = NftablesRegister(0)
    /// Behind an interface's name.
    private static let r4 = NftablesRegister(4)
    /// Behind an interface's name and a MAC.
    private static let r6 = NftablesRegister(6)
    private static let arrival = "arrival"
    private static let chain = "sources"

    static func add(to transaction: inout NftablesTransaction) {
        transaction.addChain(arrival, hook: NftablesHook(.prerouting, .filter, priority: -300))
        transaction.addChain(chain)
        addUsual(&transaction)
        transaction.addRule(
            arrival,
            [
                .metadata(.inputInterfaceName, to: r0), .isMember(r0, of: "guarded", inverted: false),
                .verdict(.jump(chain)),
            ])
        // Frames with tags would carry anything past what follows (802.1Q, 802.1ad).
        for tag in [[0x81, 0x00], [0x88, 0xa8]] as [[UInt8]] {
            transaction.addRule(chain, isProtocol(tag) + drop)
        }
        transaction.addRule(chain, isForeign(.payload(.link, offset: 6, length: 6, to: r4), "macs"))
        addIPv4(&transaction)
        addARP(&transaction)
        addIPv6(&transaction)
    }

    /// What nearly every packet is passes by one look-up. ICMPv6 can tell lies inside.
    private static func addUsual(_ transaction: inout NftablesTransaction) {
        let sender: [NftablesExpression] = [
            .metadata(.inputInterfaceName, to: r0), .payload(.link, offset: 6, length: 6, to: r4),
        ]
        transaction.addRule(
            arrival,
            isProtocol([0x08, 0x00]) + sender + [
                .payload(.network, offset: 12, length: 4, to: r6),
                .isMember(r0, of: "own4", inverted: false), .verdict(.accept),
            ])
        transaction.addRule(
            arrival,
            isProtocol([0x86, 0xdd]) + [
                .payload(.network, offset: 6, length: 1, to: r0), .compare(r0, isEqual: false, [58]),
            ] + sender + [
                .payload(.network, offset: 8, length: 16, to: r6),
                .isMember(r0, of: "own6", inverted: false), .verdict(.accept),
            ])
    }

    private static let drop: [NftablesExpression] = [.counter, .verdict(.drop)]

    private static func isProtocol(_ number: [UInt8]) -> [NftablesExpression] {
        [.metadata(.linkProtocol, to: r0), .compare(r0, isEqual: true, number)]
    }

    /// Drops what has something else there than the set knows of the interface.
    private static func isForeign(_ load: NftablesExpression, _ set: String) -> [NftablesExpression] {
        [.metadata(.inputInterfaceName, to: r0), load, .isMember(r0, of: set, inverted: true)] + drop
    }

    private static func addIPv4(_ transaction: inout NftablesTransaction) {
        transaction.addRule(
            chain,
            isProtocol([0x08, 0x00])
                + isForeign(.payload(.network, offset: 12, length: 4, to: r4), "addresses4"))
    }

    private static func addARP(_ transaction: inout NftablesTransaction) {
        let arp = isProtocol([0x08, 0x06])
        transaction.addRule(
            chain, arp + isForeign(.payload(.network, offset: 8, length: 6, to: r4), "macs"))
        // A probe (RFC 5227) says 0.0.0.0.
        transaction.addRule(
            chain,
            arp + [
                .payload(.network, offset: 14, length: 4, to: r4),
                .compare(r4, isEqual: false, [0, 0, 0, 0]),
            ] + isForeign(.payload(.network, offset: 14, length: 4, to: r4), "addresses4"))
    }

    private static func addIPv6(_ transaction: inout NftablesTransaction) {
        let ipv6 = isProtocol([0x86, 0xdd])
        func icmp(_ type: UInt8) -> [NftablesExpression] {
            ipv6 + [
                .payload(.network, offset: 6, length: 1, to: r0), .compare(r0, isEqual: true, [58]),
                .payload(.network, offset: 40, length: 1, to: r0), .compare(r0, isEqual: true, [type]),
            ]
        }
        // A router's advertisement, a redirect.
        for type in [134, 137] as [UInt8] { transaction.addRule(chain, icmp(type) + drop) }
        // A neighbour's advertisement is for its own addresses, or for one of the link.
        transaction.addRule(
            chain,
            icmp(136) + [
                .payload(.network, offset: 48, length: 2, to: r0), .mask(r0, [0xff, 0xc0]),
                .compare(r0, isEqual: false, [0xfe, 0x80]),
            ] + isForeign(.payload(.network, offset: 48, length: 16, to: r4), "addresses6"))
        // From an address of the link, or none, as while looking for duplicates.
        transaction.addRule(
            chain,
            ipv6 + [
                .payload(.network, offset: 8, length: 2, to: r0), .mask(r0, [0xff, 0xc0]),
                .compare(r0, isEqual: true, [0xfe, 0x80]), .verdict(.accept),
            ])
        transaction.addRule(
            chain,
            ipv6 + [
                .payload(.network, offset: 8, length: 16, to: r0),
                .compare(r0, isEqual: true, [UInt8](repeating: 0, count: 16)), .verdict(.accept),
            ])
        transaction.addRule(
            chain, ipv6 + isForeign(.payload(.network, offset: 8, length: 16, to: r4), "addresses6"))
    }
}
