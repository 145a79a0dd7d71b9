extension JSONValue {
    /// Encodes a value member by member, in the order in which its type writes them.
    package init<T: Encodable>(encoding value: T) throws {
        let encoder = JSONValueEncoder(path: [])
        self = try encoder.encode(value)
    }
}

extension JSONValue: Codable {
    package init(from decoder: any Decoder) throws {
        guard let decoder = decoder as? JSONValueDecoder else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "only JSONCodec decodes a JSONValue"))
        }
        self = decoder.value
    }

    package func encode(to encoder: any Encoder) throws {
        guard let encoder = encoder as? JSONValueEncoder else {
            throw EncodingError.invalidValue(
                self,
                .init(codingPath: encoder.codingPath, debugDescription: "only JSONCodec encodes a JSONValue"))
        }
        encoder.result = self
    }
}

/// Collects what one value writes; containers write through it.
final class JSONValueEncoder: Encoder {
    var result: JSONValue?
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    /// Takes every step of a nested container over into the one around it.
    private let report: ((JSONValue) -> Void)?

    init(path: [any CodingKey], report: ((JSONValue) -> Void)? = nil) {
        codingPath = path
        self.report = report
    }

    /// An encoder whose result becomes, and stays, the value of `key` here.
    func nested(_ key: any CodingKey, _ start: JSONValue?) -> JSONValueEncoder {
        let nested = JSONValueEncoder(path: codingPath + [key]) { self.set(key, $0) }
        if let start { nested.start(start) }
        return nested
    }

    /// An encoder whose result becomes, and stays, the next element here.
    func nestedElement(_ start: JSONValue?) -> JSONValueEncoder {
        let index = result?.arrayValue?.count ?? 0
        append(start ?? .null)
        let nested = JSONValueEncoder(path: codingPath + [JSONKey(intValue: index)]) {
            self.replace(index, $0)
        }
        nested.result = start
        return nested
    }

    private func start(_ value: JSONValue) {
        result = value
        report?(value)
    }

    func encode<T: Encodable>(_ value: T) throws -> JSONValue {
        try value.encode(to: self)
        return result ?? .object(JSONObject())
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if result == nil { result = .object(JSONObject()) }
        return KeyedEncodingContainer(KeyedContainer(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if result == nil { result = .array([]) }
        return UnkeyedContainer(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleContainer(encoder: self) }

    func set(_ key: any CodingKey, _ value: JSONValue) {
        guard case .object(var object) = result else { return }
        result = nil  // leaves `object` the only owner, so that it grows in place
        object[key.stringValue] = value
        result = .object(object)
        report?(.object(object))
    }

    func append(_ value: JSONValue) {
        guard case .array(var array) = result else { return }
        result = nil
        array.append(value)
        result = .array(array)
        report?(.array(array))
    }

    private func replace(_ index: Int, _ value: JSONValue) {
        guard case .array(var array) = result else { return }
        array[index] = value
        result = .array(array)
        report?(.array(array))
    }
}

private struct KeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: JSONValueEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil(forKey key: Key) { encoder.set(key, .null) }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        encoder.set(key, try JSONValueEncoder(path: codingPath + [key]).encode(value))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        encoder.nested(key, .object(JSONObject())).container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        encoder.nested(key, .array([])).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { encoder.nested(JSONKey(stringValue: "super"), nil) }
    func superEncoder(forKey key: Key) -> any Encoder { encoder.nested(key, nil) }
}

private struct UnkeyedContainer: UnkeyedEncodingContainer {
    let encoder: JSONValueEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }
    var count: Int { encoder.result?.arrayValue?.count ?? 0 }

    func encodeNil() { encoder.append(.null) }

    func encode<T: Encodable>(_ value: T) throws {
        encoder.append(try JSONValueEncoder(path: codingPath + [JSONKey(intValue: count)]).encode(value))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        encoder.nestedElement(.object(JSONObject())).container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        encoder.nestedElement(.array([])).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { encoder.nestedElement(nil) }
}

private struct SingleContainer: SingleValueEncodingContainer {
    let encoder: JSONValueEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil() { encoder.result = .null }
    func encode(_ value: Bool) { encoder.result = .bool(value) }
    func encode(_ value: String) { encoder.result = .string(value) }
    func encode(_ value: Double) { encoder.result = .double(value) }
    func encode(_ value: Float) { encoder.result = .double(Double(value)) }
    func encode(_ value: Int) { encoder.result = .integer(Int64(value)) }
    func encode(_ value: Int8) { encoder.result = .integer(Int64(value)) }
    func encode(_ value: Int16) { encoder.result = .integer(Int64(value)) }
    func encode(_ value: Int32) { encoder.result = .integer(Int64(value)) }
    func encode(_ value: Int64) { encoder.result = .integer(value) }
    func encode(_ value: UInt) { encode(UInt64(value)) }
    func encode(_ value: UInt8) { encoder.result = .integer(Int64(value)) }
    func encode(_ value: UInt16) { encoder.result = .integer(Int64(value)) }
    func encode(_ value: UInt32) { encoder.result = .integer(Int64(value)) }

    func encode(_ value: UInt64) {
        encoder.result = Int64(exactly: value).map(JSONValue.integer) ?? .unsigned(value)
    }

    func encode<T: Encodable>(_ value: T) throws { _ = try encoder.encode(value) }
}
