package import JSONCodec

/// What a template works on.
package enum TemplateValue: Sendable {
    /// Nothing at all; prints as `<no value>`.
    case missing
    case json(JSONValue, GoType)
    case record(any TemplateRecord)

    package static func string(_ text: String) -> TemplateValue { .json(.string(text), .string) }
    package static func int(_ number: Int64) -> TemplateValue { .json(.integer(number), .int) }
    package static func bool(_ bool: Bool) -> TemplateValue { .json(.bool(bool), .bool) }

    /// A JSON value without a known Go type: objects are maps.
    package init(_ value: JSONValue) { self = .json(value, .any) }
}

/// An object with members that are computed, and may take arguments (`{{.Label "x"}}`).
package protocol TemplateRecord: Sendable {
    /// How messages name its type.
    var typeName: String { get }

    /// The member's value; nil where there is no such member.
    /// - Throws: `FunctionError` where the arguments do not fit
    func member(_ name: String, _ arguments: [TemplateValue]) throws(FunctionError) -> TemplateValue?

    /// What `{{json .}}` prints.
    var json: JSONValue { get }
}

extension TemplateValue {
    /// The value itself without the interfaces and pointers around it: a concrete type, or missing where nothing
    /// is behind them.
    var resolved: TemplateValue {
        guard case .json(let value, let type) = self else { return self }
        switch type {
        case .any: return value.isNull ? .missing : .json(value, value.dynamicType)
        case .pointer(let target): return value.isNull ? .missing : TemplateValue.json(value, target).resolved
        default: return self
        }
    }

    /// The type's name in messages.
    var typeName: String {
        switch self {
        case .missing: "nil"
        case .record(let record): record.typeName
        case .json(let value, .any): value.dynamicType.name
        case .json(_, let type): type.name
        }
    }

    /// Go's notion of an empty value: false, 0, nil, and anything of length 0.
    var isTrue: Bool {
        switch resolved {
        case .missing: return false
        case .record: return true
        case .json(_, .structure): return true
        case .json(let value, _):
            switch value {
            case .null: return false
            case .bool(let bool): return bool
            case .integer(let integer): return integer != 0
            case .unsigned(let unsigned): return unsigned != 0
            case .double(let double): return double != 0
            case .string(let string): return !string.isEmpty
            case .array(let array): return !array.isEmpty
            case .object(let object): return !object.isEmpty
            }
        }
    }

    /// The text of a string; nil for any other type.
    package var text: String? {
        if case .json(.string(let text), _) = resolved { return text }
        if case .json(.null, .string) = resolved { return "" }
        return nil
    }

    package var integer: Int64? {
        switch resolved {
        case .json(.null, .int), .json(.null, .unsigned): 0
        case .json(.integer(let value), _): value
        case .json(.unsigned(let value), _): Int64(exactly: value)
        case .json(.double(let value), .int): Int64(exactly: value)
        default: nil
        }
    }

    /// The elements of a list; nil for any other type.
    var elements: [TemplateValue]? {
        guard case .json(let value, let type) = resolved, case .slice(let element) = type else { return nil }
        return (value.arrayValue ?? []).map { .json($0, element) }
    }

    /// The entries of a map sorted by key; nil for any other type.
    var entries: [(key: String, value: TemplateValue)]? {
        guard case .json(let value, let type) = resolved, case .map(let element) = type else { return nil }
        guard let object = value.objectValue else { return [] }
        return object.sortedByKey().map { ($0.key, .json($0.value, element)) }
    }

    /// The value as JSON, for `{{json .}}`.
    package var json: JSONValue {
        switch self {
        case .missing: .null
        case .record(let record): record.json
        case .json(let value, _): value
        }
    }
}

extension JSONObject {
    func sortedByKey() -> [(key: String, value: JSONValue)] {
        zip(keys, values).map { (key: $0, value: $1) }.sorted {
            Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8))
        }
    }
}

extension JSONValue {
    var dynamicType: GoType {
        switch self {
        case .null: .any
        case .bool: .bool
        case .integer: .int
        case .unsigned: .unsigned
        case .double: .float
        case .string: .string
        case .array: .slice(.any)
        case .object: .map(.any)
        }
    }
}
