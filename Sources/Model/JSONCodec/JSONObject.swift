/// The members of a JSON object in the order in which they were added. A key occurs once: the last value wins.
package struct JSONObject: Sendable {
    package private(set) var keys: [String] = []
    package private(set) var values: [JSONValue] = []
    /// Position by key, kept only for objects so large that a scan would be slow.
    private var index: [String: Int]?

    private static let scanLimit = 16

    package init() {}

    package var count: Int { keys.count }

    package var isEmpty: Bool { keys.isEmpty }

    package subscript(key: String) -> JSONValue? {
        get { position(of: key).map { values[$0] } }
        set {
            guard let newValue else { return remove(key) }
            if let position = position(of: key) {
                values[position] = newValue
            } else {
                append(key, newValue)
            }
        }
    }

    /// The value of the key that equals `key` but for the case of ASCII letters, as Go's decoder finds it.
    package func caseInsensitive(_ key: String) -> JSONValue? {
        if let exact = self[key] { return exact }
        guard let position = keys.firstIndex(where: { Self.equalIgnoringCase($0, key) }) else { return nil }
        return values[position]
    }

    private func position(of key: String) -> Int? {
        if let index { return index[key] }
        return keys.firstIndex(of: key)
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        keys.append(key)
        values.append(value)
        if index != nil {
            index?[key] = keys.count - 1
        } else if keys.count > Self.scanLimit {
            index = Dictionary(uniqueKeysWithValues: zip(keys, keys.indices))
        }
    }

    private mutating func remove(_ key: String) {
        guard let position = position(of: key) else { return }
        keys.remove(at: position)
        values.remove(at: position)
        if index != nil { index = Dictionary(uniqueKeysWithValues: zip(keys, keys.indices)) }
    }

    private static func equalIgnoringCase(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).allSatisfy { lowercase($0) == lowercase($1) }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}

extension JSONObject: Equatable {
    /// Objects are equal when they hold the same members, in whatever order.
    package static func == (a: JSONObject, b: JSONObject) -> Bool {
        a.count == b.count && zip(a.keys, a.values).allSatisfy { b[$0] == $1 }
    }
}

extension JSONObject: Sequence {
    package func makeIterator() -> Zip2Sequence<[String], [JSONValue]>.Iterator {
        zip(keys, values).makeIterator()
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init()
        for (key, value) in elements { self[key] = value }
    }
}
