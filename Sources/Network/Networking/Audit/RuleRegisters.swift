import Netlink

/// The registers of the rule machine: sixteen of four bytes, each known or not.
struct RuleRegisters: Sendable {
    private var words: [[UInt8]?] = Array(repeating: nil, count: 16)

    /// Fills registers from `index` on, the last padded with zeros; nil makes the first unknown.
    mutating func set(_ index: Int, _ bytes: [UInt8]?) {
        guard words.indices.contains(index) else { return }
        guard let bytes else {
            words[index] = nil
            return
        }
        for (number, start) in stride(from: 0, to: bytes.count, by: 4).enumerated()
        where index + number < words.count {
            let word = Array(bytes[start..<min(start + 4, bytes.count)])
            words[index + number] = word + [UInt8](repeating: 0, count: 4 - word.count)
        }
    }

    /// - Returns: nil where a part of it is not known
    func get(_ index: Int, _ length: Int) -> [UInt8]? {
        let count = (length + 3) / 4
        guard index >= 0, length > 0, index + count <= words.count else { return nil }
        let parts = words[index..<(index + count)].compactMap { $0 }
        return parts.count == count ? Array(parts.joined().prefix(length)) : nil
    }
}

extension RuleStep.Comparison {
    /// Bytes are compared as the kernel does, the first being the highest.
    func holds(_ value: [UInt8], _ other: [UInt8]) -> Bool {
        switch self {
        case .equal: value == other
        case .unequal: value != other
        case .less: value.lexicographicallyPrecedes(other)
        case .lessOrEqual: !other.lexicographicallyPrecedes(value)
        case .greater: other.lexicographicallyPrecedes(value)
        case .greaterOrEqual: !value.lexicographicallyPrecedes(other)
        }
    }
}

extension NftablesRuleset.Set {
    /// The element that a key finds. Those of a set of ranges are in order.
    func element(of key: [UInt8]) -> NftablesRuleset.Element? {
        if let exact = elements.first(where: { $0.keyEnd == nil && !$0.isEnd && $0.key == key }) {
            return exact
        }
        guard isInterval else { return nil }
        if elements.contains(where: { $0.keyEnd != nil }) {
            return elements.first { element in
                Self.fields(key, element.key, element.keyEnd ?? element.key)
            }
        }
        let before = elements.last { !key.lexicographicallyPrecedes($0.key) }
        return before.flatMap { $0.isEnd ? nil : $0 }
    }

    /// Concatenated ranges: every part of four bytes within its own bounds. Longer parts are compared word by word, which
    /// is exact where a range covers whole words, as prefixes at such borders do.
    private static func fields(_ key: [UInt8], _ from: [UInt8], _ to: [UInt8]) -> Bool {
        stride(from: 0, to: key.count, by: 4).allSatisfy { start in
            let end = min(start + 4, key.count)
            let value = key[start..<end]
            return !value.lexicographicallyPrecedes(from[start..<end])
                && !to[start..<end].lexicographicallyPrecedes(value)
        }
    }
}
