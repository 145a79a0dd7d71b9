import JSONCodec

/// The functions that a template may call: Go's own and Docker's.
package enum FunctionSet: Sendable {
    case docker
    /// For the header row of a table: Docker's functions leave their first argument as it is.
    case dockerHeader

    private static let builtins: Set<String> = [
        "and", "or", "not", "call", "html", "index", "slice", "js", "len", "print", "printf", "println",
        "urlquery",
        "eq", "ge", "gt", "le", "lt", "ne",
    ]

    private static let dockers: Set<String> = [
        "json", "split", "join", "title", "lower", "upper", "pad", "truncate",
    ]

    var names: Set<String> { Self.builtins.union(Self.dockers) }

    /// Whether the function's argument at this place has to be a string.
    func wantsString(_ name: String, at index: Int) -> Bool {
        switch name {
        case "printf", "lower", "upper", "title", "pad", "truncate": index == 0
        case "split": true
        case "join": index == 1
        default: false
        }
    }

    /// What is wrong with the number of arguments, if anything.
    func argumentComplaint(_ name: String, _ count: Int) -> String? {
        let (least, most): (Int, Int) =
            switch name {
            case "and", "or", "index", "slice", "eq", "call": (1, .max)
            case "printf": (1, .max)
            case "html", "js", "urlquery", "print", "println": (0, .max)
            case "ne", "lt", "le", "gt", "ge", "split", "join", "truncate": (2, 2)
            case "pad": (3, 3)
            default: (1, 1)
            }
        if count < least {
            return most == .max
                ? "wrong number of args for \(name): want at least \(least) got \(count)"
                : "wrong number of args for \(name): want \(least) got \(count)"
        }
        return count > most ? "wrong number of args for \(name): want \(most) got \(count)" : nil
    }

    func call(_ name: String, _ arguments: [TemplateValue]) throws(FunctionError) -> TemplateValue {
        switch name {
        case "not": return .bool(!arguments[0].isTrue)
        case "call": throw FunctionError("non-function of type \(arguments[0].typeName)")
        case "index": return try Collections.index(arguments)
        case "slice": return try Collections.slice(arguments)
        case "len": return try Collections.length(arguments[0])
        case "eq": return .bool(try Comparison.equal(arguments))
        case "ne": return .bool(try !Comparison.equal(arguments))
        case "lt": return .bool(try Comparison.less(arguments[0], arguments[1]))
        case "le":
            let less = try Comparison.less(arguments[0], arguments[1])
            let equal = try Comparison.equal(arguments)
            return .bool(less || equal)
        case "gt":
            let less = try Comparison.less(arguments[0], arguments[1])
            let equal = try Comparison.equal(arguments)
            return .bool(!less && !equal)
        case "ge": return .bool(try !Comparison.less(arguments[0], arguments[1]))
        case "print", "println", "printf", "html", "js", "urlquery":
            return .string(try TextFunctions.call(name, arguments))
        default:
            if self == .dockerHeader, name != "pad" { return arguments[0] }
            return try DockerFunctions.call(name, arguments)
        }
    }
}

/// Docker's own functions.
enum DockerFunctions {
    static func call(_ name: String, _ arguments: [TemplateValue]) throws(FunctionError) -> TemplateValue {
        switch name {
        case "json": return .string(json(arguments[0]))
        case "lower": return .string(try text(arguments[0]).lowercased())
        case "upper": return .string(try text(arguments[0]).uppercased())
        case "title": return .string(title(try text(arguments[0])))
        case "split":
            let parts = split(try text(arguments[0]), try text(arguments[1]))
            return .json(.array(parts.map(JSONValue.string)), .slice(.string))
        case "join": return .string(try join(arguments[0], try text(arguments[1])))
        case "pad":
            return .string(try pad(try text(arguments[0]), arguments[1].integer, arguments[2].integer))
        case "truncate": return .string(try truncate(try text(arguments[0]), arguments[1].integer))
        default: throw FunctionError("the function is not defined")
        }
    }

    /// Records escape `<`, `>` and `&`, as they do in Docker; plain values do not.
    private static func json(_ value: TemplateValue) -> String {
        if case .record(let record) = value { return record.json.text(JSONValue.Style(escapesHTML: true)) }
        return value.json.text()
    }

    private static func text(_ value: TemplateValue) throws(FunctionError) -> String {
        guard let text = value.text else { throw FunctionError("expected a string, got \(value.typeName)") }
        return text
    }

    private static func title(_ text: String) -> String {
        var output = ""
        var atStart = true
        for character in text {
            output += atStart ? character.uppercased() : String(character)
            atStart = !(character.isLetter || character.isNumber || character == "_" || character == "'")
        }
        return output
    }

    private static func split(_ text: String, _ separator: String) -> [String] {
        if separator.isEmpty { return text.map { String($0) } }
        let (bytes, mark) = (Array(text.utf8), Array(separator.utf8))
        var parts: [String] = []
        var start = 0
        var index = 0
        while index + mark.count <= bytes.count {
            if bytes[index..<(index + mark.count)].elementsEqual(mark) {
                parts.append(String(decoding: bytes[start..<index], as: UTF8.self))
                index += mark.count
                start = index
            } else {
                index += 1
            }
        }
        return parts + [String(decoding: bytes[start...], as: UTF8.self)]
    }

    private static func join(_ value: TemplateValue, _ separator: String) throws(FunctionError) -> String {
        if case .missing = value.resolved { return "" }
        guard let elements = value.elements else {
            throw FunctionError("wrong type for value; expected []string; got \(value.typeName)")
        }
        return elements.map(GoPrinter.format).joined(separator: separator)
    }

    private static func pad(_ text: String, _ before: Int64?, _ after: Int64?) throws(FunctionError) -> String
    {
        guard let before, let after, (0...65536).contains(before), (0...65536).contains(after) else {
            throw FunctionError("the numbers of spaces must be between 0 and 65536")
        }
        if text.isEmpty { return text }
        return String(repeating: " ", count: Int(before)) + text + String(repeating: " ", count: Int(after))
    }

    private static func truncate(_ text: String, _ length: Int64?) throws(FunctionError) -> String {
        guard let length, length >= 0 else { throw FunctionError("the length must not be negative") }
        let bytes = Array(text.utf8)
        return length >= Int64(bytes.count) ? text : String(decoding: bytes[0..<Int(length)], as: UTF8.self)
    }
}
