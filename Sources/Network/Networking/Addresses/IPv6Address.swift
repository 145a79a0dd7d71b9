/// An IPv6 address, as a number in host byte order.
///
/// Stored as two halves: Swift 6.3 spills structs with a stored `UInt128` that come back in registers to addresses that
/// are not aligned for them, and crashes.
package struct IPv6Address: Sendable, Hashable, Comparable {
    private let high: UInt64
    private let low: UInt64

    package init(_ value: UInt128) {
        high = UInt64(truncatingIfNeeded: value >> 64)
        low = UInt64(truncatingIfNeeded: value)
    }

    package var value: UInt128 { UInt128(high) << 64 | UInt128(low) }

    package static let any = IPv6Address(0)
    package static let loopback = IPv6Address(1)

    /// The sixteen bytes in network order.
    package var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: value >> (120 - 8 * UInt128($0))) }
    }

    package var isLoopback: Bool { self == .loopback }
    /// Whether the address lies in fe80::/10.
    package var isLinkLocal: Bool { value >> 118 == 0x3fa }

    package static func < (a: IPv6Address, b: IPv6Address) -> Bool { a.value < b.value }
}

extension IPv6Address: LosslessStringConvertible {
    /// The text forms of RFC 4291 section 2.2 (without a zone); nil for anything else.
    package init?(_ text: String) {
        let halves = Self.splitAtDoubleColon(text)
        guard let halves, let head = Self.groups(halves.head, allowsIPv4: halves.tail == nil) else {
            return nil
        }
        guard let tailText = halves.tail else {
            guard head.count == 8 else { return nil }
            self.init(Self.number(head))
            return
        }
        guard let tail = Self.groups(tailText, allowsIPv4: true), head.count + tail.count < 8 else {
            return nil
        }
        let zeros = [UInt16](repeating: 0, count: 8 - head.count - tail.count)
        self.init(Self.number(head + zeros + tail))
    }

    private static func number(_ groups: [UInt16]) -> UInt128 { groups.reduce(0) { $0 << 16 | UInt128($1) } }

    private static func splitAtDoubleColon(_ text: String) -> (head: Substring, tail: Substring?)? {
        let bytes = text.utf8
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let next = bytes.index(after: index)
            if bytes[index] == UInt8(ascii: ":"), next < bytes.endIndex, bytes[next] == UInt8(ascii: ":") {
                return (text[..<index], text[bytes.index(after: next)...])
            }
            index = next
        }
        return bytes.isEmpty ? nil : (text[...], nil)
    }

    private static func groups(_ text: Substring, allowsIPv4: Bool) -> [UInt16]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if allowsIPv4, index == parts.count - 1, part.contains(".") {
                guard let embedded = IPv4Address(String(part)) else { return nil }
                groups += [UInt16(embedded.value >> 16), UInt16(truncatingIfNeeded: embedded.value)]
                continue
            }
            guard (1...4).contains(part.utf8.count), part.utf8.first != UInt8(ascii: "+"),
                part.utf8.first != UInt8(ascii: "-"), let group = UInt16(part, radix: 16)
            else { return nil }
            groups.append(group)
        }
        return groups.count <= 8 ? groups : nil
    }

    /// The canonical form of RFC 5952: the longest run of zero groups (the first of equals, two at least) is `::`.
    package var description: String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> (112 - 16 * UInt128($0))) }
        if value >> 32 == 0xffff { return "::ffff:\(IPv4Address(UInt32(truncatingIfNeeded: value)))" }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > best.count, end - start > 1 { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty ? text(0..<8) : text(0..<best.lowerBound) + "::" + text(best.upperBound..<8)
    }
}
