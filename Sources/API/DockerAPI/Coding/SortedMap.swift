/// Writes a map with its keys sorted, as Go does: the same answer twice is the same text twice.
struct SortedMap<Value: Encodable>: Encodable {
    let map: [String: Value]

    init(_ map: [String: Value]) { self.map = map }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: MapKey.self)
        for (key, value) in map.sorted(by: { $0.key < $1.key }) {
            try container.encode(value, forKey: MapKey(stringValue: key))
        }
    }
}

private struct MapKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension KeyedEncodingContainer {
    package mutating func encode<V: Codable>(_ value: Member<[String: V]>, forKey key: Key) throws {
        try encode(SortedMap(value.wrappedValue), forKey: key)
    }

    package mutating func encode<V: Codable>(_ value: OmitEmpty<[String: V]>, forKey key: Key) throws {
        if !value.wrappedValue.isEmpty { try encode(SortedMap(value.wrappedValue), forKey: key) }
    }

    package mutating func encode<V: Codable>(_ value: Nullable<[String: V]>, forKey key: Key) throws {
        try encode(value.wrappedValue.map { SortedMap($0) }, forKey: key)
    }

    package mutating func encodeIfPresent<V: Codable>(_ value: [String: V]?, forKey key: Key) throws {
        if let value { try encode(SortedMap(value), forKey: key) }
    }
}
