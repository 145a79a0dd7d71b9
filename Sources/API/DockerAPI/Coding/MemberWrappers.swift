/// A member that is always written; absent and null read as the zero value.
@propertyWrapper
package struct Member<Value: ZeroValue> {
    package var wrappedValue: Value

    package init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
}

/// A member that is not written while it has the zero value (Go's `omitempty`).
@propertyWrapper
package struct OmitEmpty<Value: ZeroValue> {
    package var wrappedValue: Value

    package init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
}

/// A member that is written as null while it has no value (Go's nil pointers, slices and maps).
@propertyWrapper
package struct Nullable<Value> {
    package var wrappedValue: Value?

    package init(wrappedValue: Value? = nil) { self.wrappedValue = wrappedValue }
}

extension Member: Equatable where Value: Equatable {}
extension Member: Sendable where Value: Sendable {}
extension OmitEmpty: Equatable where Value: Equatable {}
extension OmitEmpty: Sendable where Value: Sendable {}
extension Nullable: Equatable where Value: Equatable {}
extension Nullable: Sendable where Value: Sendable {}

// The wrappers are Codable for the compiler's synthesis only: it calls the containers' methods below.

extension Member: Codable where Value: Codable {
    package init(from decoder: any Decoder) throws { wrappedValue = try Value(from: decoder) }
    package func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

extension OmitEmpty: Codable where Value: Codable {
    package init(from decoder: any Decoder) throws { wrappedValue = try Value(from: decoder) }
    package func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

extension Nullable: Codable where Value: Codable {
    package init(from decoder: any Decoder) throws { wrappedValue = try Value?(from: decoder) }
    package func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

extension KeyedDecodingContainer {
    package func decode<T: Codable>(_ type: Member<T>.Type, forKey key: Key) throws -> Member<T> {
        Member(wrappedValue: try decodeIfPresent(T.self, forKey: key) ?? T())
    }

    package func decode<T: Codable>(_ type: OmitEmpty<T>.Type, forKey key: Key) throws -> OmitEmpty<T> {
        OmitEmpty(wrappedValue: try decodeIfPresent(T.self, forKey: key) ?? T())
    }

    package func decode<T: Codable>(_ type: Nullable<T>.Type, forKey key: Key) throws -> Nullable<T> {
        Nullable(wrappedValue: try decodeIfPresent(T.self, forKey: key))
    }
}

extension KeyedEncodingContainer {
    package mutating func encode<T: Codable>(_ value: Member<T>, forKey key: Key) throws {
        try encode(value.wrappedValue, forKey: key)
    }

    package mutating func encode<T: Codable>(_ value: OmitEmpty<T>, forKey key: Key) throws {
        if !value.wrappedValue.isZero { try encode(value.wrappedValue, forKey: key) }
    }

    package mutating func encode<T: Codable>(_ value: Nullable<T>, forKey key: Key) throws {
        try encode(value.wrappedValue, forKey: key)
    }
}
