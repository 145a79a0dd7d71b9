package import JSONCodec

/// Why a runtime specification (config.json) cannot be used: which field, and what is wrong with it.
package struct RuntimeSpecError: CategorizedError, Equatable {
    package enum Code: String, Sendable {
        case missing, wrongType, outOfRange, invalidValue
    }

    package let code: Code
    /// The field's place, such as `process.user.uid` or `mounts[3].destination`.
    package let path: String
    package let message: String

    package var category: ErrorCategory { .invalidArgument }

    package init(_ code: Code, _ path: String, _ detail: String) {
        self.code = code
        self.path = path
        self.message = "runtime specification: \(path.isEmpty ? "the document" : path): \(detail)"
    }
}

/// The members of one JSON object of a specification, read by type. Unknown members are ignored, as the
/// specification demands ("Extensibility"); a member of a wrong type never is. `null` counts as absent.
package struct RuntimeFields {
    private let object: JSONObject
    package let path: String

    package init(_ value: JSONValue, at path: String = "") throws(RuntimeSpecError) {
        guard let object = value.objectValue else {
            throw RuntimeSpecError(.wrongType, path, "must be an object")
        }
        self.object = object
        self.path = path
    }

    package var isEmpty: Bool { object.isEmpty }

    package func place(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func value(_ key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    package func string(_ key: String) throws(RuntimeSpecError) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.stringValue else {
            throw RuntimeSpecError(.wrongType, place(key), "must be a string")
        }
        return text
    }

    package func requiredString(_ key: String) throws(RuntimeSpecError) -> String {
        guard let text = try string(key) else { throw RuntimeSpecError(.missing, place(key), "is missing") }
        return text
    }

    package func bool(_ key: String) throws(RuntimeSpecError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard let bool = value.boolValue else {
            throw RuntimeSpecError(.wrongType, place(key), "must be true or false")
        }
        return bool
    }

    package func integer<T: FixedWidthInteger>(_ key: String, _: T.Type = T.self) throws(RuntimeSpecError)
        -> T?
    {
        guard let value = value(key) else { return nil }
        if let signed = value.integerValue, let result = T(exactly: signed) { return result }
        if let unsigned = value.unsignedValue, let result = T(exactly: unsigned) { return result }
        guard value.doubleValue != nil else {
            throw RuntimeSpecError(.wrongType, place(key), "must be an integer")
        }
        throw RuntimeSpecError(.outOfRange, place(key), "must be an integer from \(T.min) to \(T.max)")
    }

    package func requiredInteger<T: FixedWidthInteger>(
        _ key: String, _: T.Type = T.self
    ) throws(RuntimeSpecError) -> T {
        guard let number: T = try integer(key) else {
            throw RuntimeSpecError(.missing, place(key), "is missing")
        }
        return number
    }

    private func array(_ key: String) throws(RuntimeSpecError) -> [JSONValue]? {
        guard let value = value(key) else { return nil }
        guard let array = value.arrayValue else {
            throw RuntimeSpecError(.wrongType, place(key), "must be an array")
        }
        return array
    }

    package func strings(_ key: String) throws(RuntimeSpecError) -> [String] {
        var result: [String] = []
        for (index, element) in try (array(key) ?? []).enumerated() {
            guard let text = element.stringValue else {
                throw RuntimeSpecError(.wrongType, "\(place(key))[\(index)]", "must be a string")
            }
            result.append(text)
        }
        return result
    }

    package func integers<T: FixedWidthInteger>(_ key: String, _: T.Type = T.self) throws(RuntimeSpecError)
        -> [T]
    {
        var result: [T] = []
        for (index, element) in try (array(key) ?? []).enumerated() {
            guard let number = element.integerValue, let exact = T(exactly: number) else {
                throw RuntimeSpecError(
                    .outOfRange, "\(place(key))[\(index)]", "must be an integer from \(T.min) to \(T.max)")
            }
            result.append(exact)
        }
        return result
    }

    package func stringMap(_ key: String) throws(RuntimeSpecError) -> [String: String] {
        guard let value = value(key) else { return [:] }
        guard let object = value.objectValue else {
            throw RuntimeSpecError(.wrongType, place(key), "must be an object")
        }
        var result: [String: String] = [:]
        for (name, element) in object {
            guard let text = element.stringValue else {
                throw RuntimeSpecError(.wrongType, "\(place(key)).\(name)", "must be a string")
            }
            result[name] = text
        }
        return result
    }

    package func object<T>(
        _ key: String, _ make: (RuntimeFields) throws(RuntimeSpecError) -> T
    ) throws(RuntimeSpecError) -> T? {
        guard let value = value(key) else { return nil }
        return try make(RuntimeFields(value, at: place(key)))
    }

    package func objects<T>(
        _ key: String, _ make: (RuntimeFields) throws(RuntimeSpecError) -> T
    ) throws(RuntimeSpecError) -> [T] {
        var result: [T] = []
        for (index, element) in try (array(key) ?? []).enumerated() {
            result.append(try make(RuntimeFields(element, at: "\(place(key))[\(index)]")))
        }
        return result
    }
}

/// Builds a JSON object; absent and empty values leave no member.
struct RuntimeObject {
    private var object = JSONObject()

    var json: JSONValue { .object(object) }

    mutating func set(_ key: String, _ value: JSONValue?) { if let value { object[key] = value } }

    mutating func set(_ key: String, _ value: String?) { if let value { object[key] = .string(value) } }

    mutating func set(_ key: String, _ value: Bool?) { if let value { object[key] = .bool(value) } }

    mutating func set<T: FixedWidthInteger>(_ key: String, _ value: T?) {
        guard let value else { return }
        object[key] =
            Int64(exactly: value).map(JSONValue.integer) ?? .unsigned(UInt64(truncatingIfNeeded: value))
    }

    mutating func set(_ key: String, _ values: [String]) {
        if !values.isEmpty { object[key] = .array(values.map(JSONValue.string)) }
    }

    mutating func set(_ key: String, _ values: [JSONValue]) {
        if !values.isEmpty { object[key] = .array(values) }
    }

    mutating func set(_ key: String, _ values: [String: String]) {
        guard !values.isEmpty else { return }
        var members = JSONObject()
        for (name, value) in values.sorted(by: { $0.key < $1.key }) { members[name] = .string(value) }
        object[key] = .object(members)
    }
}
