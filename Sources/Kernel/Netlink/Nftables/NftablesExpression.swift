/// A register of the rule machine: sixteen of four bytes; longer values take consecutive ones.
package struct NftablesRegister: Sendable, Hashable {
    package let index: UInt32

    /// - Parameter index: 0…15
    package init(_ index: UInt32) { self.index = index }

    /// `NFT_REG32_00` and following.
    var number: UInt32 { 8 + index }
}

/// One step of a rule, in the kernel's terms; `nft` makes the same from its syntax.
package enum NftablesExpression: Sendable, Hashable {
    package enum Metadata: UInt32, Sendable {
        /// Two bytes: the type of the frame, such as 0x0800 for IPv4.
        case linkProtocol = 1
        case inputInterfaceName = 6
        case outputInterfaceName = 7
        /// One byte: 2 for IPv4, 10 for IPv6.
        case family = 15
        /// One byte: 6 for TCP, 17 for UDP.
        case transport = 16
    }

    package enum Connection: UInt32, Sendable {
        case state = 0
        case status = 2
    }

    package enum Base: UInt32, Sendable {
        case link = 0
        case network = 1
        case transport = 2
    }

    case metadata(Metadata, to: NftablesRegister)
    case connection(Connection, to: NftablesRegister)
    case payload(Base, offset: UInt32, length: UInt32, to: NftablesRegister)
    /// What kind of address the packet's destination is (`fib daddr type`), a four-byte `RTN_*` number.
    case destinationKind(to: NftablesRegister)
    case compare(NftablesRegister, isEqual: Bool, [UInt8])
    case mask(NftablesRegister, [UInt8])
    case isMember(NftablesRegister, of: String, inverted: Bool)
    case look(up: NftablesRegister, in: String, to: NftablesRegister)
    case verdict(NftablesVerdict)
    /// Puts bytes in network order into registers from the given one on.
    case load([UInt8], to: NftablesRegister)
    /// Destination NAT to the address and port in the registers.
    case translate(isIPv4: Bool, address: NftablesRegister, port: NftablesRegister)
    case masquerade
    case counter
    /// Goes on only with what exceeds a rate.
    case over(bytesPerSecond: UInt64, burst: UInt32)

    var name: String {
        switch self {
        case .metadata: "meta"
        case .connection: "ct"
        case .payload: "payload"
        case .destinationKind: "fib"
        case .compare: "cmp"
        case .mask: "bitwise"
        case .isMember, .look: "lookup"
        case .verdict, .load: "immediate"
        case .translate: "nat"
        case .masquerade: "masq"
        case .counter: "counter"
        case .over: "limit"
        }
    }
}

extension MessageBatch {
    private mutating func big(_ type: UInt16, _ value: UInt32) { attribute(type, number: value.bigEndian) }

    private mutating func value(_ type: UInt16, _ bytes: [UInt8]) {
        nested(type) { $0.attribute(NftablesAttribute.dataValue, bytes) }
    }

    /// `NFTA_LIST_ELEM` with the expression's name and its own attributes.
    mutating func expression(_ expression: NftablesExpression) {
        nested(NftablesAttribute.listElement) {
            $0.attribute(NftablesAttribute.expressionName, string: expression.name)
            $0.nested(NftablesAttribute.expressionData) { $0.content(of: expression) }
        }
    }

    private mutating func content(of expression: NftablesExpression) {
        switch expression {
        case .metadata(let key, let register):
            big(1, register.number)
            big(2, key.rawValue)
        case .connection(let key, let register):
            big(1, register.number)
            big(2, key.rawValue)
        case .payload(let base, let offset, let length, let register):
            big(1, register.number)
            big(2, base.rawValue)
            big(3, offset)
            big(4, length)
        case .destinationKind(let register):
            big(1, register.number)
            big(2, 3)  // NFT_FIB_RESULT_ADDRTYPE
            big(3, 2)  // NFTA_FIB_F_DADDR
        case .compare(let register, let isEqual, let bytes):
            big(1, register.number)
            big(2, isEqual ? 0 : 1)
            value(3, bytes)
        case .mask(let register, let bytes):
            big(1, register.number)
            big(2, register.number)
            big(3, UInt32(bytes.count))
            value(4, bytes)
            value(5, [UInt8](repeating: 0, count: bytes.count))
        case .isMember(let register, let set, let inverted):
            attribute(1, string: set)
            big(2, register.number)
            if inverted { big(5, 1) }
        case .look(let register, let map, let destination):
            attribute(1, string: map)
            big(2, register.number)
            big(3, destination.number)
        case .verdict(let verdict):
            big(1, 0)  // NFT_REG_VERDICT
            nested(2) { $0.verdict(verdict) }
        case .load(let bytes, let register):
            big(1, register.number)
            value(2, bytes)
        case .translate(let isIPv4, let address, let port):
            big(1, 1)  // NFT_NAT_DNAT
            big(2, isIPv4 ? 2 : 10)
            big(3, address.number)
            big(5, port.number)
        case .over(let rate, let burst):
            attribute(1, number: rate.bigEndian)
            attribute(2, number: UInt64(1).bigEndian)  // of a second
            big(3, burst)
            big(4, 1)  // NFT_LIMIT_PKT_BYTES
            big(5, 1)  // NFT_LIMIT_F_INV
        case .masquerade, .counter:
            break
        }
    }

    private mutating func verdict(_ verdict: NftablesVerdict) {
        nested(NftablesAttribute.dataVerdict) {
            $0.big(NftablesAttribute.verdictCode, UInt32(bitPattern: verdict.code))
            if let chain = verdict.chain { $0.attribute(NftablesAttribute.verdictChain, string: chain) }
        }
    }
}
