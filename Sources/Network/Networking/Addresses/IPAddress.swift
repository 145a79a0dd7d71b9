/// An address of either family.
package enum IPAddress: Sendable, Hashable {
    case v4(IPv4Address)
    case v6(IPv6Address)

    /// The bytes in network order, four or sixteen.
    package var bytes: [UInt8] {
        switch self {
        case .v4(let address): address.bytes
        case .v6(let address): address.bytes
        }
    }

    /// The address as a number in host byte order.
    package var number: UInt128 {
        switch self {
        case .v4(let address): UInt128(address.value)
        case .v6(let address): address.value
        }
    }

    /// The length of an address of this family in bits: 32 or 128.
    package var bits: Int { isIPv4 ? 32 : 128 }

    package var isIPv4: Bool { if case .v4 = self { true } else { false } }

    /// Whether the address stands for every address of its family (`0.0.0.0`, `::`).
    package var isUnspecified: Bool { number == 0 }

    package var isLoopback: Bool {
        switch self {
        case .v4(let address): address.isLoopback
        case .v6(let address): address.isLoopback
        }
    }

    /// Whether no single host can have it: 224.0.0.0/4 and above, ff00::/8.
    package var isMulticast: Bool {
        switch self {
        case .v4(let address): address.value >> 28 >= 14
        case .v6(let address): address.bytes.first == 0xff
        }
    }

    /// The address of the same family with another number.
    func with(number: UInt128) -> IPAddress {
        isIPv4 ? .v4(IPv4Address(UInt32(truncatingIfNeeded: number))) : .v6(IPv6Address(number))
    }
}

extension IPAddress: LosslessStringConvertible {
    package init?(_ text: String) {
        if let address = IPv4Address(text) {
            self = .v4(address)
        } else if let address = IPv6Address(text) {
            self = .v6(address)
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }

    /// The address as it stands before a port: IPv6 in brackets.
    package var bracketed: String { isIPv4 ? description : "[\(description)]" }
}

/// Codable by way of the text form, which records and Docker's JSON share.
protocol TextCodable: Codable, LosslessStringConvertible {}

extension TextCodable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not of the form of \(Self.self): \(text)")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension IPAddress: TextCodable {}
extension IPv4Address: TextCodable {}
extension IPv6Address: TextCodable {}
extension AddressBlock: TextCodable {}
extension MACAddress: TextCodable {}
