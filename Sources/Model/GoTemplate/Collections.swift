import JSONCodec

/// `index`, `slice` and `len`.
enum Collections {
    static func index(_ arguments: [TemplateValue]) throws(FunctionError) -> TemplateValue {
        if case .missing = arguments[0].resolved { throw FunctionError("index of untyped nil") }
        var value = arguments[0]
        for key in arguments.dropFirst() { value = try element(of: value, key) }
        return value
    }

    private static func element(
        of value: TemplateValue, _ key: TemplateValue
    ) throws(FunctionError) -> TemplateValue {
        switch value.resolved {
        case .json(let object, .map(let element)):
            guard let name = key.text else {
                throw FunctionError("value has type \(key.typeName); should be string")
            }
            return .json(object[name] ?? .null, element)
        case .json(let list, .slice(let element)):
            let elements = list.arrayValue ?? []
            return .json(elements[try position(key, elements.count, inclusive: false)], element)
        case .json(.string(let text), _):
            let bytes = Array(text.utf8)
            return .int(Int64(bytes[try position(key, bytes.count, inclusive: false)]))
        case .missing: throw FunctionError("index of nil pointer")
        default: throw FunctionError("can't index item of type \(value.typeName)")
        }
    }

    private static func position(
        _ key: TemplateValue, _ count: Int, inclusive: Bool
    ) throws(FunctionError) -> Int {
        if case .missing = key.resolved { throw FunctionError("cannot index slice/array with nil") }
        guard case .json(_, let type) = key.resolved, let index = key.integer else {
            throw FunctionError("cannot index slice/array with type \(key.typeName)")
        }
        switch type {
        case .int, .unsigned: break
        default: throw FunctionError("cannot index slice/array with type \(key.typeName)")
        }
        guard index >= 0, index < Int64(count) || inclusive && index == Int64(count) else {
            throw FunctionError("index out of range: \(index)")
        }
        return Int(index)
    }

    static func slice(_ arguments: [TemplateValue]) throws(FunctionError) -> TemplateValue {
        let indexes = Array(arguments.dropFirst())
        guard indexes.count <= 3 else { throw FunctionError("too many slice indexes: \(indexes.count)") }
        switch arguments[0].resolved {
        case .missing: throw FunctionError("slice of untyped nil")
        case .json(let list, .slice(let element)):
            let elements = list.arrayValue ?? []
            let range = try bounds(indexes, elements.count)
            return .json(.array(Array(elements[range])), .slice(element))
        case .json(.string(let text), _):
            guard indexes.count <= 2 else { throw FunctionError("cannot 3-index slice a string") }
            let bytes = Array(text.utf8)
            return .string(String(decoding: bytes[try bounds(indexes, bytes.count)], as: UTF8.self))
        default: throw FunctionError("can't slice item of type \(arguments[0].typeName)")
        }
    }

    private static func bounds(_ indexes: [TemplateValue], _ count: Int) throws(FunctionError) -> Range<Int> {
        let lower = indexes.isEmpty ? 0 : try position(indexes[0], count, inclusive: true)
        let upper = indexes.count < 2 ? count : try position(indexes[1], count, inclusive: true)
        guard lower <= upper else { throw FunctionError("invalid slice index: \(lower) > \(upper)") }
        return lower..<upper
    }

    static func length(_ value: TemplateValue) throws(FunctionError) -> TemplateValue {
        switch value.resolved {
        case .json(let list, .slice): return .int(Int64(list.arrayValue?.count ?? 0))
        case .json(let object, .map): return .int(Int64(object.objectValue?.count ?? 0))
        case .json(let text, .string): return .int(Int64(text.stringValue?.utf8.count ?? 0))
        case .missing: throw FunctionError("reflect: call of reflect.Value.Type on zero Value")
        default: throw FunctionError("len of type \(value.typeName)")
        }
    }
}

/// `eq`, `lt` and those made from them.
enum Comparison {
    private static let mismatch = FunctionError("incompatible types for comparison")
    private static let invalid = FunctionError("invalid type for comparison")

    /// Whether the first argument equals any of the others.
    static func equal(_ arguments: [TemplateValue]) throws(FunctionError) -> Bool {
        guard arguments.count > 1 else { throw FunctionError("missing argument for comparison") }
        for other in arguments.dropFirst() where try equal(arguments[0], other) { return true }
        return false
    }

    private static func equal(_ a: TemplateValue, _ b: TemplateValue) throws(FunctionError) -> Bool {
        let (x, y) = (a.resolved, b.resolved)
        if case .missing = x { return isNil(y) }
        if case .missing = y { return isNil(x) }
        if let a = x.text, let b = y.text { return a == b }
        if let a = boolean(x), let b = boolean(y) { return a == b }
        if let a = number(x), let b = number(y) {
            switch (a, b) {
            case (.double(let a), .double(let b)): return a == b
            case (.double, _), (_, .double): throw mismatch
            default: return a == b
            }
        }
        if isCollection(x), isCollection(y) {
            throw FunctionError("non-comparable type \(GoPrinter.format(a)): \(a.typeName)")
        }
        throw mismatch
    }

    static func less(_ a: TemplateValue, _ b: TemplateValue) throws(FunctionError) -> Bool {
        let (x, y) = (a.resolved, b.resolved)
        if let a = x.text, let b = y.text { return Array(a.utf8).lexicographicallyPrecedes(Array(b.utf8)) }
        guard let a = number(x), let b = number(y) else {
            throw number(x) == nil && x.text == nil || number(y) == nil && y.text == nil ? invalid : mismatch
        }
        switch (a, b) {
        case (.integer(let a), .integer(let b)): return a < b
        case (.unsigned(let a), .unsigned(let b)): return a < b
        case (.integer, .unsigned): return true
        case (.unsigned, .integer): return false
        case (.double(let a), .double(let b)): return a < b
        default: throw mismatch
        }
    }

    private static func isNil(_ value: TemplateValue) -> Bool {
        switch value {
        case .missing: true
        case .json(.null, .slice), .json(.null, .map): true
        default: false
        }
    }

    private static func isCollection(_ value: TemplateValue) -> Bool {
        guard case .json(_, let type) = value else { return true }
        switch type {
        case .slice, .map, .structure: return true
        default: return false
        }
    }

    private static func boolean(_ value: TemplateValue) -> Bool? {
        switch value {
        case .json(.bool(let bool), _): bool
        case .json(.null, .bool): false
        default: nil
        }
    }

    private static func number(_ value: TemplateValue) -> NumberConstant? {
        switch value {
        case .json(.integer(let value), .float): .double(Double(value))
        case .json(.null, .float): .double(0)
        case .json(.null, .int), .json(.null, .unsigned): .integer(0)
        case .json(.integer(let value), _): .integer(value)
        case .json(.unsigned(let value), _): .unsigned(value)
        case .json(.double(let value), _): .double(value)
        default: nil
        }
    }
}
