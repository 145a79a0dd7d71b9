import Netlink

/// Follows a packet through the rules of a namespace, as the kernel would.
///
/// What a rule asks that the audit cannot know (a rate, a mark, an extension of iptables) makes two ways; where they
/// end differently, the outcome is unknown rather than guessed.
struct RuleMachine: Sendable {
    /// Where in the rules something was decided.
    struct Place: Sendable, Hashable, CustomStringConvertible {
        var table: NftablesRuleset.Table
        var chain: String
        /// nil for the chain's policy.
        var handle: UInt64?

        var description: String {
            let families: [UInt8: String] = [
                1: "inet", 2: "ip", 10: "ip6", 7: "bridge", 3: "arp", 5: "netdev",
            ]
            let family = families[table.family] ?? "family \(table.family)"
            return
                "\(handle.map { "rule \($0)" } ?? "policy") of chain \(chain) in table \(family) \(table.name)"
        }
    }

    enum Outcome: Sendable, Hashable {
        case accept
        case drop(Place)
        case translate(IPAddress?, UInt16?)
        /// The chain ended without a decision.
        case pass
        case unknown(Place)
    }

    enum Hook: UInt32, Sendable {
        case prerouting, input, forward, output, postrouting
    }

    struct Chain: Sendable {
        var table: NftablesRuleset.Table
        var name: String
        var rules: [(handle: UInt64, steps: [RuleStep])]
        var base: NftablesRuleset.Chain?
    }

    struct ChainKey: Hashable, Sendable {
        var table: NftablesRuleset.Table
        var name: String
    }

    private var chains: [ChainKey: Chain] = [:]
    /// By hook.
    private let baseChains: [UInt32: [Chain]]
    private var sets: [ChainKey: NftablesRuleset.Set] = [:]

    init(_ ruleset: NftablesRuleset) {
        for chain in ruleset.chains {
            chains[ChainKey(table: chain.table, name: chain.name)] = Chain(
                table: chain.table, name: chain.name, rules: [], base: chain.hook == nil ? nil : chain)
        }
        for rule in ruleset.rules {
            chains[ChainKey(table: rule.table, name: rule.chain)]?.rules.append(
                (rule.handle, rule.expressions.map(RuleStep.init)))
        }
        for set in ruleset.sets {
            var set = set
            if set.isInterval {
                // The end of one range may be the start of the next.
                set.elements.sort {
                    ($0.key.lexicographicallyPrecedes($1.key)) || ($0.key == $1.key && $0.isEnd && !$1.isEnd)
                }
            }
            sets[ChainKey(table: set.table, name: set.name)] = set
        }
        let hooked = chains.values.filter { $0.base != nil }.sorted { a, b in
            (a.base?.priority ?? 0, a.table.name, a.name) < (b.base?.priority ?? 0, b.table.name, b.name)
        }
        baseChains = Dictionary(grouping: hooked) { $0.base?.hook ?? .max }
    }

    /// The base chains of a hook that see a packet's family, in order.
    func baseChains(_ hook: Hook, isIPv4: Bool) -> [Chain] {
        (baseChains[hook.rawValue] ?? []).filter { [1, isIPv4 ? 2 : 10].contains($0.table.family) }
    }

    /// Takes a packet through a hook: drops, and translations of the destination.
    /// - Returns: why it is dropped, or may be; nil where it passes
    func run(_ hook: Hook, _ packet: inout ProbePacket) -> Outcome? {
        var doubt: Outcome?
        for chain in baseChains(hook, isIPv4: packet.source.isIPv4) {
            switch evaluate(chain, packet, depth: 0) {
            case .drop(let place): return .drop(place)
            case .unknown(let place): doubt = doubt ?? .unknown(place)
            case .translate(let address, let port):
                guard !packet.isTranslated else { continue }
                packet.destination = address ?? packet.destination
                packet.port = port ?? packet.port
                packet.isTranslated = true
                packet.isDestinationLocal = false
            case .accept: continue
            case .pass:
                guard chain.base?.drops == true else { continue }
                return .drop(Place(table: chain.table, chain: chain.name))
            }
        }
        return doubt
    }

    // MARK: Chains and rules

    private func evaluate(
        _ chain: Chain, _ packet: ProbePacket, depth: Int, from start: Int = 0
    ) -> Outcome {
        for index in start..<chain.rules.count {
            let (handle, steps) = chain.rules[index]
            let place = Place(table: chain.table, chain: chain.name, handle: handle)
            let rest = { evaluate(chain, packet, depth: depth, from: index + 1) }
            if let decided = outcome(steps, packet, place, depth: depth, rest: rest) { return decided }
        }
        return .pass
    }

    /// What a rule decides; nil where the next is asked.
    /// - Parameter rest: what the rules after this one decide
    private func outcome(
        _ steps: [RuleStep], _ packet: ProbePacket, _ place: Place, depth: Int, rest: () -> Outcome
    ) -> Outcome? {
        var registers = RuleRegisters()
        var isCertain = true
        for step in steps {
            let decided: Outcome?
            switch perform(step, packet, place.table, &registers) {
            case .goesOn: continue
            case .stops: return nil
            case .obscure: return .unknown(place)
            case .mayGoOn:
                isCertain = false
                continue
            case .decides(let verdict): decided = follow(verdict, packet, place, depth: depth)
            case .ends(let outcome): decided = outcome ?? .drop(place)
            }
            guard !isCertain, let decided else { return decided }
            return Self.either(decided, rest(), place)
        }
        return nil
    }

    private func follow(
        _ verdict: NftablesVerdict, _ packet: ProbePacket, _ place: Place, depth: Int
    ) -> Outcome? {
        switch verdict {
        case .accept: return .accept
        case .drop: return .drop(place)
        case .return: return .pass
        case .jump(let name), .goto(let name):
            // The kernel allows sixteen levels.
            guard depth < 16, let chain = chains[ChainKey(table: place.table, name: name)] else {
                return .unknown(place)
            }
            let result = evaluate(chain, packet, depth: depth + 1)
            if case .jump = verdict, result == .pass { return nil }
            return result
        }
    }

    /// One of two outcomes: the same where both let the packet go on, or both drop it.
    private static func either(
        _ a: Outcome, _ b: Outcome, _ place: Place
    ) -> Outcome {
        switch (a, b) {
        case _ where a == b: a
        case (.drop, .drop): a
        default: .unknown(place)
        }
    }

    private enum Progress {
        case goesOn, stops, mayGoOn, obscure
        case decides(NftablesVerdict)
        /// nil drops.
        case ends(Outcome?)

        init(_ isMatch: Bool?) { self = isMatch.map { $0 ? .goesOn : .stops } ?? .mayGoOn }
    }

    private func perform(
        _ step: RuleStep, _ packet: ProbePacket, _ table: NftablesRuleset.Table,
        _ registers: inout RuleRegisters
    ) -> Progress {
        switch step {
        case .pass: return .goesOn
        case .uncertain: return .mayGoOn
        case .obscure: return .obscure
        case .constantMatch(let isMatch): return Progress(isMatch)
        case .port(let ports): return Progress(ports.contains(packet.port))
        case .reject: return .ends(nil)
        case .verdict(let verdict): return .decides(verdict)
        case .load(let load, let register): registers.set(register, packet.value(load))
        case .loadUnknown(let register): registers.set(register, nil)
        case .constant(let register, let bytes): registers.set(register, bytes)
        case .mask(let register, let destination, let mask, let xor):
            registers.set(
                destination,
                registers.get(register, mask.count).map { value in
                    value.indices.map { value[$0] & mask[$0] ^ ($0 < xor.count ? xor[$0] : 0) }
                })
        case .compare(let register, let comparison, let bytes):
            return Progress(registers.get(register, bytes.count).map { comparison.holds($0, bytes) })
        case .range(let register, let inverted, let from, let to):
            return Progress(
                registers.get(register, from.count).map {
                    (RuleStep.Comparison.greaterOrEqual.holds($0, from)
                        && RuleStep.Comparison.lessOrEqual.holds($0, to)) != inverted
                })
        case .isMember(let register, let name, let inverted):
            guard let found = find(register, name, table, registers) else { return .mayGoOn }
            return Progress((found.element != nil) != inverted)
        case .look(let register, let name, let destination):
            guard let found = find(register, name, table, registers) else { return .mayGoOn }
            guard let element = found.element else { return .stops }
            registers.set(destination, element.value)
        case .lookVerdict(let register, let name):
            guard let found = find(register, name, table, registers) else { return .obscure }
            guard let element = found.element else { return .stops }
            return element.verdict.map { .decides($0) } ?? .obscure
        case .translate(let address, let port): return .ends(translation(address, port, packet, registers))
        }
        return .goesOn
    }

    private func translation(
        _ address: Int?, _ port: Int?, _ packet: ProbePacket, _ registers: RuleRegisters
    ) -> Outcome {
        let length = packet.source.isIPv4 ? 4 : 16
        let target = address.flatMap { registers.get($0, length) }.flatMap { IPAddress(bytes: $0) }
        let number = port.flatMap { registers.get($0, 2) }.map { UInt16($0[0]) << 8 | UInt16($0[1]) }
        return .translate(target, number)
    }

    /// - Returns: nil where the key or the set is not known
    private func find(
        _ register: Int, _ name: String, _ table: NftablesRuleset.Table, _ registers: RuleRegisters
    ) -> (element: NftablesRuleset.Element?, Void)? {
        guard let set = sets[ChainKey(table: table, name: name)],
            let key = registers.get(register, set.keyLength)
        else { return nil }
        return (set.element(of: key), ())
    }
}
