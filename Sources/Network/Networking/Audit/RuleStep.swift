import Netlink

/// One step of a rule as the audit follows it.
enum RuleStep: Sendable {
    enum Load: Sendable {
        case inputInterface, outputInterface, family, transport, connectionState, connectionStatus
        case destinationKind
        case network(offset: Int, length: Int)
        case transportHeader(offset: Int, length: Int)
    }

    enum Comparison: UInt32, Sendable {
        case equal, unequal, less, lessOrEqual, greater, greaterOrEqual
    }

    case load(Load, register: Int)
    /// A value that the audit cannot know, such as a packet's mark.
    case loadUnknown(register: Int)
    case compare(register: Int, Comparison, [UInt8])
    case range(register: Int, inverted: Bool, from: [UInt8], to: [UInt8])
    case mask(register: Int, to: Int, mask: [UInt8], xor: [UInt8])
    case isMember(register: Int, set: String, inverted: Bool)
    case look(register: Int, map: String, to: Int)
    case lookVerdict(register: Int, map: String)
    case constant(register: Int, [UInt8])
    case verdict(NftablesVerdict)
    case translate(address: Int?, port: Int?)
    /// Refuses the packet with an answer.
    case reject
    /// Decides nothing: counters, logs, masquerading, source addresses.
    case pass
    /// May match or not: a rate, or an extension of iptables.
    case uncertain
    /// Decides in a way that the audit does not follow.
    case obscure
    /// Whether packets that begin a connection match.
    case constantMatch(Bool)
    /// Whether the destination port, and the source port that the audit uses, match.
    case port(ClosedRange<UInt16>)

    init(_ expression: NftablesRuleset.Expression) {
        let attributes = expression.attributes
        func number(_ type: UInt16) -> UInt32? { attributes[type]?.big() }
        func register(_ type: UInt16) -> Int { number(type).map(Self.register) ?? -1 }
        func bytes(_ type: UInt16) -> [UInt8] { attributes[type]?.nested[1].map { Array($0.content) } ?? [] }
        switch expression.name {
        case "counter", "log", "masq", "notrack", "last": self = .pass
        case "reject": self = .reject
        case "meta" where number(1) == nil, "ct" where number(1) == nil: self = .pass  // sets a mark
        case "meta": self = Self.metadata(number(2), register(1))
        case "ct": self = Self.connection(number(2), register(1))
        case "fib":
            self =
                number(2) == 3 && number(3).map { $0 & 2 != 0 } == true
                ? .load(.destinationKind, register: register(1)) : .loadUnknown(register: register(1))
        case "payload": self = Self.payload(number(2), number(3), number(4), register(1))
        case "cmp":
            self =
                Comparison(rawValue: number(2) ?? 99).map { .compare(register: register(1), $0, bytes(3)) }
                ?? .uncertain
        case "range":
            self = .range(register: register(1), inverted: number(2) == 1, from: bytes(3), to: bytes(4))
        case "bitwise" where (number(6) ?? 0) == 0:
            self = .mask(register: register(1), to: register(2), mask: bytes(4), xor: bytes(5))
        case "bitwise", "byteorder", "hash", "numgen", "socket", "rt", "osf", "exthdr":
            self = .loadUnknown(register: register(expression.name == "bitwise" ? 2 : 1))
        case "lookup": self = Self.lookup(attributes, register(2))
        case "immediate" where number(1) == 0:
            let verdict = attributes[2]?.nested[2].flatMap { NftablesVerdict($0.nested) }
            self = verdict.map { .verdict($0) } ?? .uncertain
        case "immediate": self = .constant(register: register(1), bytes(2))
        case "nat" where number(1) == 1:
            self = .translate(
                address: number(3).map(Self.register), port: number(5).map(Self.register))
        case "nat": self = .pass
        case "match": self = RuleExtension.match(attributes)
        case "target": self = RuleExtension.target(attributes)
        case "redir", "tproxy", "queue", "fwd", "synproxy": self = .obscure
        default: self = .uncertain
        }
    }

    /// 1…4 are registers of sixteen bytes, 8 and following their parts of four.
    private static func register(_ number: UInt32) -> Int {
        number < 8 ? (Int(number) - 1) * 4 : Int(number) - 8
    }

    private static func metadata(_ key: UInt32?, _ register: Int) -> RuleStep {
        switch key {
        case 6: .load(.inputInterface, register: register)
        case 7: .load(.outputInterface, register: register)
        case 15: .load(.family, register: register)
        case 16: .load(.transport, register: register)
        default: .loadUnknown(register: register)
        }
    }

    private static func connection(_ key: UInt32?, _ register: Int) -> RuleStep {
        switch key {
        case 0: .load(.connectionState, register: register)
        case 2: .load(.connectionStatus, register: register)
        default: .loadUnknown(register: register)
        }
    }

    private static func payload(
        _ base: UInt32?, _ offset: UInt32?, _ length: UInt32?, _ register: Int
    ) -> RuleStep {
        guard let offset, let length, length <= 32, offset < 256 else { return .uncertain }
        switch base {
        case 1: return .load(.network(offset: Int(offset), length: Int(length)), register: register)
        case 2: return .load(.transportHeader(offset: Int(offset), length: Int(length)), register: register)
        default: return .loadUnknown(register: register)
        }
    }

    private static func lookup(_ attributes: Attributes, _ register: Int) -> RuleStep {
        guard let set = attributes[1]?.string else { return .uncertain }
        let isInverted = (attributes[5]?.big(UInt32.self) ?? 0) & 1 != 0
        switch attributes[3]?.big(UInt32.self) {
        case nil: return .isMember(register: register, set: set, inverted: isInverted)
        case 0: return .lookVerdict(register: register, map: set)
        case let destination?: return .look(register: register, map: set, to: Self.register(destination))
        }
    }
}
