/// A data type of the `nft` command; it decides how `nft list` prints keys, the kernel does not care.
package enum NftablesType: UInt32, Sendable {
    case ipv4Address = 7
    case ipv6Address = 8
    case etherAddress = 9
    case transport = 12
    case port = 13
    case interfaceName = 41

    /// Bytes that a value takes in a register, padded to four.
    var registerLength: Int {
        switch self {
        case .ipv4Address, .transport, .port: 4
        case .etherAddress: 8
        case .ipv6Address, .interfaceName: 16
        }
    }

    var length: Int {
        switch self {
        case .ipv4Address: 4
        case .ipv6Address, .interfaceName: 16
        case .etherAddress: 6
        case .transport: 1
        case .port: 2
        }
    }
}

/// A set or a map with keys, and values, of one or several concatenated types.
package struct NftablesSet: Sendable, Hashable {
    package var name: String
    package var key: [NftablesType]
    /// Empty for a set.
    package var value: [NftablesType]
    /// Whether an element is a range of keys.
    package var isInterval: Bool

    package init(_ name: String, key: [NftablesType], value: [NftablesType] = [], isInterval: Bool = false) {
        self.name = name
        self.key = key
        self.value = value
        self.isInterval = isInterval
    }

    /// `nft` packs concatenated types six bits each.
    static func typeNumber(_ types: [NftablesType]) -> UInt32 { types.reduce(0) { $0 << 6 | $1.rawValue } }

    /// A single type has its own length, concatenated ones are padded.
    static func length(_ types: [NftablesType]) -> UInt32 {
        types.count == 1 ? UInt32(types[0].length) : types.reduce(0) { $0 + UInt32($1.registerLength) }
    }

    /// How `nft` reads a key of one type: 1 for the host's byte order (names), 2 for big-endian.
    var keyByteOrder: UInt32? { key.count == 1 ? (key[0] == .interfaceName ? 1 : 2) : nil }

    // Concatenations only have a flag (0x80) of their own together with intervals.
    var flags: UInt32 { (isInterval ? 0x4 : 0) | (value.isEmpty ? 0 : 0x8) }
}

/// One element: its key and, in a map, its value; concatenated parts are padded to four bytes each.
package struct NftablesElement: Sendable, Hashable {
    package var key: [UInt8]
    package var value: [UInt8]
    /// The first key after the range, in an interval set; nil where the range reaches the highest key.
    package var end: [UInt8]?

    package init(key: [UInt8], value: [UInt8] = [], end: [UInt8]? = nil) {
        self.key = key
        self.value = value
        self.end = end
    }

    /// Concatenates parts, each padded with zeros to a multiple of four bytes.
    package static func concatenated(_ parts: [[UInt8]]) -> [UInt8] {
        parts.flatMap { $0 + [UInt8](repeating: 0, count: (4 - $0.count % 4) % 4) }
    }

    /// An interface name as sets hold it: sixteen bytes, the rest zero.
    package static func interfaceName(_ name: String) -> [UInt8] {
        let bytes = Array(name.utf8.prefix(15))
        return bytes + [UInt8](repeating: 0, count: 16 - bytes.count)
    }
}

/// Which packets a table sees (`NFPROTO_*`).
package enum NftablesFamily: UInt8, Sendable {
    /// IPv4 and IPv6.
    case inet = 1
    case ipv4 = 2
    /// Everything that an interface receives.
    case netdev = 5
    /// What a bridge switches.
    case bridge = 7
    case ipv6 = 10
}

/// Where a base chain hooks in.
package struct NftablesHook: Sendable, Hashable {
    package enum Point: UInt32, Sendable {
        case prerouting = 0
        case input = 1
        case forward = 2
        case output = 3
        case postrouting = 4

        /// In the family `netdev`: what an interface received, before anything else.
        package static let ingress = Point.prerouting
    }

    package enum Kind: String, Sendable {
        case filter, nat
    }

    package var point: Point
    package var kind: Kind
    /// Lower comes first: raw -300, destination NAT -100, filter 0, source NAT 100.
    package var priority: Int32
    /// The interface, in the family `netdev`.
    package var device: String?

    package init(_ point: Point, _ kind: Kind, priority: Int32, device: String? = nil) {
        self.point = point
        self.kind = kind
        self.priority = priority
        self.device = device
    }
}

package enum NftablesVerdict: Sendable, Hashable {
    case accept, drop, `return`
    case jump(String)
    case goto(String)

    var code: Int32 {
        switch self {
        case .drop: 0
        case .accept: 1
        case .jump: -3
        case .goto: -4
        case .return: -5
        }
    }

    var chain: String? {
        switch self {
        case .jump(let chain), .goto(let chain): chain
        default: nil
        }
    }
}
