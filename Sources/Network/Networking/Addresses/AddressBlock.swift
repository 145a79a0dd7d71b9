/// An address with a prefix length: a subnet, or an interface's address in one (`172.17.0.1/16`).
package struct AddressBlock: Sendable, Hashable {
    package let address: IPAddress
    /// Bits of the network part: 0…32 or 0…128.
    package let prefixLength: Int

    /// - Returns: nil where the prefix is longer than the address
    package init?(_ address: IPAddress, prefixLength: Int) {
        guard (0...address.bits).contains(prefixLength) else { return nil }
        self.init(unchecked: address, prefixLength)
    }

    private init(unchecked address: IPAddress, _ prefixLength: Int) {
        self.address = address
        self.prefixLength = prefixLength
    }

    private var hostMask: UInt128 {
        let hostBits = address.bits - prefixLength
        return hostBits >= 128 ? .max : (UInt128(1) << UInt128(hostBits)) - 1
    }

    /// The block with every host bit cleared: `172.17.0.0/16` of `172.17.0.1/16`.
    package var network: AddressBlock {
        AddressBlock(unchecked: first, prefixLength)
    }

    /// The lowest address of the block, the network's own.
    package var first: IPAddress { address.with(number: address.number & ~hostMask) }
    /// The highest address of the block; the broadcast address where the family has one.
    package var last: IPAddress { address.with(number: address.number | hostMask) }

    package func contains(_ other: IPAddress) -> Bool {
        other.isIPv4 == address.isIPv4 && (other.number & ~hostMask) == first.number
    }

    /// Whether the two share an address.
    package func overlaps(_ other: AddressBlock) -> Bool {
        contains(other.first) || other.contains(first)
    }

    /// The blocks of a longer prefix that this one falls into, lowest first.
    package func subnets(prefixLength: Int) -> LazyMapSequence<StrideTo<UInt128>, AddressBlock> {
        let step = UInt128(1) << UInt128(address.bits - max(prefixLength, self.prefixLength))
        let base = first
        // At most 2^32 of them: pools are not cut finer in practice, and the stride must not overflow.
        let count = UInt128(1) << UInt128(min(32, max(0, prefixLength - self.prefixLength)))
        return stride(from: UInt128(0), to: count, by: 1).lazy.map {
            AddressBlock(unchecked: base.with(number: base.number + $0 * step), prefixLength)
        }
    }
}

extension AddressBlock: LosslessStringConvertible {
    /// `address/length`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])),
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(parts[1])
        else { return nil }
        self.init(address, prefixLength: length)
    }

    package var description: String { "\(address)/\(prefixLength)" }
}
