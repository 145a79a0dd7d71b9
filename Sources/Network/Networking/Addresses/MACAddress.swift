/// A 48-bit Ethernet address.
package struct MACAddress: Sendable, Hashable {
    /// Six bytes.
    package let bytes: [UInt8]

    /// - Returns: nil unless there are six bytes
    package init?(bytes: [UInt8]) {
        guard bytes.count == 6 else { return nil }
        self.bytes = bytes
    }

    /// The locally administered address `02:42:` followed by the IPv4 address, as Docker derives it: a container
    /// that gets its address back also gets its MAC back, and no neighbour's cache goes stale.
    package init(of address: IPv4Address) {
        bytes = [0x02, 0x42] + address.bytes
    }

    /// A random address under Docker's prefix, for what has no IPv4 address.
    package static func random() -> MACAddress {
        MACAddress(of: IPv4Address(UInt32.random(in: 0...UInt32.max)))
    }
}

extension MACAddress: LosslessStringConvertible {
    /// Six pairs of hexadecimal digits separated by colons or by hyphens; nil for anything else.
    package init?(_ text: String) {
        let separator: Character = text.contains("-") ? "-" : ":"
        let parts = text.split(separator: separator, omittingEmptySubsequences: false)
        let bytes = parts.compactMap { part in
            part.utf8.count == 2 && part.utf8.first != UInt8(ascii: "+") ? UInt8(part, radix: 16) : nil
        }
        guard parts.count == 6 else { return nil }
        self.init(bytes: bytes)
    }

    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
