/// A domain name in wire form: labels with their lengths before them and a zero at the end (RFC 1035 section 3.1).
///
/// Names are equal where their bytes are; look-ups compare `folded` names.
package struct DomainName: Sendable, Hashable {
    /// 1 to 255 bytes, without compression.
    package let bytes: [UInt8]

    private static let longest = 255
    private static let longestLabel = 63
    /// Pointers within one name; one is what anybody needs.
    private static let mostPointers = 32

    private init(bytes: [UInt8]) { self.bytes = bytes }

    package static let root = DomainName(bytes: [0])

    /// The name `web.example.org`, with or without a dot at its end; labels may hold anything but dots.
    /// - Returns: nil where a label is empty or longer than 63 bytes, or the whole is longer than 255
    package init?(_ text: some StringProtocol) {
        var result: [UInt8] = []
        let text = text.hasSuffix(".") ? text.dropLast() : text[...]
        for label in text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard (1...Self.longestLabel).contains(label.count) else { return nil }
            result.append(UInt8(label.count))
            result += label
        }
        result.append(0)
        guard result.count <= Self.longest else { return nil }
        bytes = result
    }

    /// Reads the name at `offset` of a message and moves `offset` behind it. Pointers (RFC 1035 section 4.1.4) may only
    /// go backwards, so that following them ends.
    /// - Returns: nil where the bytes are no name
    package static func read(_ message: [UInt8], at offset: inout Int) -> DomainName? {
        var bytes: [UInt8] = []
        var position = offset
        /// Where the run of labels at hand began; only what lies before it may be pointed to.
        var start = offset
        var end: Int?
        var pointers = 0
        while position < message.count {
            let length = message[position]
            switch length >> 6 {
            case 0:
                let next = position + 1 + Int(length)
                // One more for the zero at the end, unless this is it.
                guard next <= message.count,
                    bytes.count + 1 + Int(length) + (length == 0 ? 0 : 1) <= longest
                else { return nil }
                bytes += message[position..<next]
                position = next
                guard length == 0 else { continue }
                offset = end ?? position
                return DomainName(bytes: bytes)
            case 3:
                guard position + 1 < message.count else { return nil }
                let target = Int(length & 0x3f) << 8 | Int(message[position + 1])
                pointers += 1
                guard target < start, pointers <= mostPointers else { return nil }
                end = end ?? position + 2
                start = target
                position = target
            default:
                return nil
            }
        }
        return nil
    }

    /// The name in lower case (ASCII only, RFC 4343). A label's length is never taken for a letter: it is at most 63.
    package var folded: DomainName {
        DomainName(bytes: bytes.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 })
    }

    /// This name below another one; nil where that is too long.
    package func below(_ suffix: DomainName) -> DomainName? {
        let joined = bytes.dropLast() + suffix.bytes
        return joined.count <= Self.longest ? DomainName(bytes: Array(joined)) : nil
    }

    /// The labels, most specific first.
    package var labels: [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        var position = 0
        while position < bytes.count, bytes[position] != 0 {
            let end = position + 1 + Int(bytes[position])
            result.append(bytes[position + 1..<end])
            position = end
        }
        return result
    }
}

extension DomainName: CustomStringConvertible {
    /// As in zone files (RFC 1035 section 5.1), without the dot at the end: what is not printable as `\DDD`.
    package var description: String {
        labels.map { label in
            label.map { byte in
                switch byte {
                case UInt8(ascii: "."), UInt8(ascii: "\\"): "\\" + String(UnicodeScalar(byte))
                case 0x21...0x7e: String(UnicodeScalar(byte))
                default:
                    "\\" + String(repeating: "0", count: byte < 10 ? 2 : byte < 100 ? 1 : 0) + String(byte)
                }
            }.joined()
        }.joined(separator: ".")
    }
}

extension DomainName {
    /// The address whose reverse name this is (`4.3.2.1.in-addr.arpa`, thirty-two nibbles below `ip6.arpa`), in network
    /// order; nil for any other name.
    package var reverseAddress: [UInt8]? {
        let labels = folded.labels
        guard labels.count > 2, labels[labels.count - 1].elementsEqual("arpa".utf8) else { return nil }
        let digits = labels.dropLast(2).reversed()
        let family = labels[labels.count - 2]
        if family.elementsEqual("in-addr".utf8), digits.count == 4 {
            let bytes = digits.compactMap { Self.number($0, radix: 10, longest: 3) }
            return bytes.count == 4 ? bytes : nil
        }
        guard family.elementsEqual("ip6".utf8), digits.count == 32 else { return nil }
        let nibbles = digits.compactMap { Self.number($0, radix: 16, longest: 1) }
        guard nibbles.count == 32 else { return nil }
        return stride(from: 0, to: 32, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
    }

    private static func number(_ label: ArraySlice<UInt8>, radix: Int, longest: Int) -> UInt8? {
        guard label.count <= longest, label.allSatisfy({ $0 != UInt8(ascii: "+") && $0 < 0x80 }) else {
            return nil
        }
        return UInt8(String(decoding: label, as: UTF8.self), radix: radix)
    }
}
