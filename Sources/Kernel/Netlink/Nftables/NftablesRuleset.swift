package import LinuxKernel

/// Every chain, rule and set of a network namespace, as the kernel holds them.
package struct NftablesRuleset: Sendable {
    /// A table's name with its family (`NFPROTO_*`): names repeat among families.
    package struct Table: Sendable, Hashable {
        package var family: UInt8
        package var name: String

        package init(family: UInt8, name: String) {
            self.family = family
            self.name = name
        }
    }

    package struct Chain: Sendable {
        package var table: Table
        package var name: String
        /// Where packets come by themselves; nil for a chain that is only jumped to.
        package var hook: UInt32?
        package var priority: Int32
        /// `filter`, `nat` or `route`.
        package var type: String
        /// Whether what no rule decides over is dropped.
        package var drops: Bool
    }

    package struct Expression: Sendable {
        package var name: String
        package var attributes: Attributes
    }

    package struct Rule: Sendable {
        package var table: Table
        package var chain: String
        /// Its number in the table, as `nft --handle` shows it.
        package var handle: UInt64
        package var expressions: [Expression]
    }

    package struct Element: Sendable {
        package var key: [UInt8]
        /// The last key, in a set of concatenated ranges.
        package var keyEnd: [UInt8]?
        /// In a set of ranges: the first key after one.
        package var isEnd: Bool
        package var value: [UInt8]
        package var verdict: NftablesVerdict?
    }

    package struct Set: Sendable {
        package var table: Table
        package var name: String
        package var keyLength: Int
        package var isInterval: Bool
        package var isMap: Bool
        package var elements: [Element]
    }

    package var chains: [Chain]
    /// In the order in which packets meet them.
    package var rules: [Rule]
    package var sets: [Set]

    package init(chains: [Chain], rules: [Rule], sets: [Set]) {
        self.chains = chains
        self.rules = rules
        self.sets = sets
    }

    /// Reads everything. Not one instant's picture where others change rules meanwhile; a set that disappears between
    /// being listed and being read counts as empty.
    /// - Parameter socket: of the namespace in question
    package static func read(_ socket: NetlinkSocket) throws(SystemCallError) -> NftablesRuleset {
        let chains = try dump(NftablesMessage.getChain, "NFT_MSG_GETCHAIN", socket).compactMap(Chain.init)
        let rules = try dump(NftablesMessage.getRule, "NFT_MSG_GETRULE", socket).compactMap(Rule.init)
        var sets = try dump(NftablesMessage.getSet, "NFT_MSG_GETSET", socket).compactMap(Set.init)
        for index in sets.indices { sets[index].elements = try elements(of: sets[index], socket) }
        return NftablesRuleset(chains: chains, rules: rules, sets: sets)
    }

    /// What a table holds, by name.
    package struct Contents: Sendable, Hashable {
        package var chains: [String]
        /// Chains with at least one rule.
        package var usedChains: [String]
        /// Those that have a name of their own; the others go with their rules.
        package var sets: [String]
    }

    package static func contents(
        of table: Table, _ socket: NetlinkSocket
    ) throws(SystemCallError) -> Contents {
        let chains = try dump(NftablesMessage.getChain, "NFT_MSG_GETCHAIN", socket).compactMap(Chain.init)
            .filter { $0.table == table }.map(\.name)
        guard !chains.isEmpty else { return Contents(chains: [], usedChains: [], sets: []) }
        let rules = try dump(NftablesMessage.getRule, "NFT_MSG_GETRULE", socket).compactMap(Rule.init)
        let sets = try dump(NftablesMessage.getSet, "NFT_MSG_GETSET", socket).compactMap(Set.init)
        return Contents(
            chains: chains,
            usedChains: chains.filter { chain in rules.contains { $0.table == table && $0.chain == chain } },
            sets: sets.filter { $0.table == table && !$0.name.hasPrefix("__") }.map(\.name))
    }

    private static func dump(
        _ type: UInt16, _ name: String, _ socket: NetlinkSocket, tolerated: [Int32] = [], family: UInt8 = 0,
        _ body: (inout MessageBatch) -> Void = { _ in }
    ) throws(SystemCallError) -> [NetlinkMessage] {
        var batch = MessageBatch()
        batch.message(
            NftablesMessage.subsystem | type, [.request, .dump], name: name, tolerated: tolerated
        ) {
            $0.append(contentsOf: [family, 0, 0, 0])
            body(&$0)
        }
        return try socket.request(batch)
    }

    private static func elements(
        of set: Set, _ socket: NetlinkSocket
    ) throws(SystemCallError) -> [Element] {
        let messages = try dump(
            NftablesMessage.getElement, "NFT_MSG_GETSETELEM", socket, tolerated: [2], family: set.table.family
        ) {
            $0.attribute(NftablesAttribute.table, string: set.table.name)
            $0.attribute(NftablesAttribute.elementListSet, string: set.name)
        }
        return messages.flatMap { message in
            message.attributes(after: 4)[NftablesAttribute.elementList]?.nested.compactMap {
                Element($0.nested)
            } ?? []
        }
    }
}

extension Attributes.Element {
    /// A number in network order, as nftables writes all of them.
    package func big<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T? {
        number(type).map { T(bigEndian: $0) }
    }
}

extension NftablesRuleset.Table {
    fileprivate init?(_ message: NetlinkMessage) {
        guard let family = message.payload.first,
            let name = message.attributes(after: 4)[NftablesAttribute.table]?.string
        else { return nil }
        self.init(family: family, name: name)
    }
}

extension NftablesRuleset.Chain {
    fileprivate init?(_ message: NetlinkMessage) {
        let attributes = message.attributes(after: 4)
        guard message.type == NftablesMessage.subsystem | NftablesMessage.newChain,
            let table = NftablesRuleset.Table(message),
            let name = attributes[NftablesAttribute.chainName]?.string
        else { return nil }
        let hook = attributes[NftablesAttribute.chainHook]?.nested
        self.init(
            table: table, name: name, hook: hook?[NftablesAttribute.hookNumber]?.big(),
            priority: hook?[NftablesAttribute.hookPriority]?.big(Int32.self) ?? 0,
            type: attributes[NftablesAttribute.chainType]?.string ?? "",
            drops: attributes[NftablesAttribute.chainPolicy]?.big(UInt32.self) == 0)
    }
}

extension NftablesRuleset.Rule {
    fileprivate init?(_ message: NetlinkMessage) {
        let attributes = message.attributes(after: 4)
        guard message.type == NftablesMessage.subsystem | NftablesMessage.newRule,
            let table = NftablesRuleset.Table(message),
            let chain = attributes[NftablesAttribute.ruleChain]?.string
        else { return nil }
        let expressions = attributes[NftablesAttribute.ruleExpressions]?.nested.map { element in
            NftablesRuleset.Expression(
                name: element.nested[NftablesAttribute.expressionName]?.string ?? "",
                attributes: element.nested[NftablesAttribute.expressionData]?.nested ?? Attributes([]))
        }
        self.init(
            table: table, chain: chain, handle: attributes[3]?.big() ?? 0, expressions: expressions ?? [])
    }
}

extension NftablesRuleset.Set {
    fileprivate init?(_ message: NetlinkMessage) {
        let attributes = message.attributes(after: 4)
        guard message.type == NftablesMessage.subsystem | NftablesMessage.newSet,
            let table = NftablesRuleset.Table(message),
            let name = attributes[NftablesAttribute.setName]?.string
        else { return nil }
        let flags = attributes[NftablesAttribute.setFlags]?.big(UInt32.self) ?? 0
        self.init(
            table: table, name: name,
            keyLength: Int(attributes[NftablesAttribute.setKeyLength]?.big(UInt32.self) ?? 0),
            isInterval: flags & 0x4 != 0, isMap: flags & 0x8 != 0, elements: [])
    }
}

extension NftablesRuleset.Element {
    fileprivate init?(_ attributes: Attributes) {
        guard
            let key = attributes[NftablesAttribute.elementKey]?.nested[NftablesAttribute.dataValue]?.content
        else { return nil }
        let data = attributes[NftablesAttribute.elementData]?.nested
        self.init(
            key: Array(key),
            keyEnd: attributes[10]?.nested[NftablesAttribute.dataValue].map { Array($0.content) },
            isEnd: (attributes[NftablesAttribute.elementFlags]?.big(UInt32.self) ?? 0) & 1 != 0,
            value: data?[NftablesAttribute.dataValue].map { Array($0.content) } ?? [],
            verdict: data?[NftablesAttribute.dataVerdict].flatMap { NftablesVerdict($0.nested) })
    }
}

extension NftablesVerdict {
    /// Reads `NFTA_DATA_VERDICT`; nil for one that only the kernel itself knows.
    package init?(_ attributes: Attributes) {
        let chain = attributes[NftablesAttribute.verdictChain]?.string
        switch (attributes[NftablesAttribute.verdictCode]?.big(Int32.self), chain) {
        case (0, _): self = .drop
        case (1, _): self = .accept
        case (-3, let chain?): self = .jump(chain)
        case (-4, let chain?): self = .goto(chain)
        case (-5, _): self = .return
        default: return nil
        }
    }
}
