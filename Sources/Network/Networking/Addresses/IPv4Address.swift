/// An IPv4 address in host byte order.
package struct IPv4Address: Sendable, Hashable, Comparable {
    package let value: UInt32

    package init(_ value: UInt32) { self.value = value }

    package static let any = IPv4Address(0)
    package static let loopback = IPv4Address(0x7f00_0001)

    /// The four bytes in network order.
    package var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) } }

    /// Whether the address lies in 127.0.0.0/8.
    package var isLoopback: Bool { value >> 24 == 127 }

    package static func < (a: IPv4Address, b: IPv4Address) -> Bool { a.value < b.value }
}

extension IPv4Address: LosslessStringConvertible {
    /// Four decimal numbers without leading zeros, as Go's `netip` takes them; nil for anything else.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0"),
                part.allSatisfy({ (0x30...0x39).contains($0) })
            else { return nil }
            let number = part.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 0x30) }
            guard number < 256 else { return nil }
            value = value << 8 | number
        }
        self.init(value)
    }

    package var description: String { bytes.map(String.init).joined(separator: ".") }
}
