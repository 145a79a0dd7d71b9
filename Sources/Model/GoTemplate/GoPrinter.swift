import JSONCodec

/// Go's `%v` and `%q`.
package enum GoPrinter {
    /// What an action prints.
    static func print(_ value: TemplateValue) -> String {
        switch value {
        case .missing: return "<no value>"
        case .json(.null, .any): return "<no value>"
        default: return format(value)
        }
    }

    /// A value as `%v` prints it.
    static func format(_ value: TemplateValue) -> String {
        switch value {
        case .missing: "<nil>"
        case .record(let record): "{\(record.typeName)}"
        case .json(let value, let type): format(value, type)
        }
    }

    private static func format(_ value: JSONValue, _ type: GoType) -> String {
        switch type {
        case .any: return value.isNull ? "<nil>" : format(value, value.dynamicType)
        case .pointer(let target): return value.isNull ? "<nil>" : format(value, target)
        case .slice(let element):
            return "[" + (value.arrayValue ?? []).map { format($0, element) }.joined(separator: " ") + "]"
        case .map(let element):
            let entries = value.objectValue?.sortedByKey() ?? []
            return "map[" + entries.map { "\($0.key):\(format($0.value, element))" }.joined(separator: " ")
                + "]"
        case .structure(let structure):
            let fields = structure.fields.map { format(value[$0.key] ?? .null, $0.type) }
            return "{" + fields.joined(separator: " ") + "}"
        case .bool, .int, .unsigned, .float, .string: return scalar(value, type)
        }
    }

    private static func scalar(_ value: JSONValue, _ type: GoType) -> String {
        switch value {
        case .null:
            switch type {
            case .bool: "false"
            case .string: ""
            default: "0"
            }
        case .bool(let bool): "\(bool)"
        case .integer(let integer): "\(integer)"
        case .unsigned(let unsigned): "\(unsigned)"
        case .double(let double): float(double)
        case .string(let string): string
        case .array, .object: format(value, value.dynamicType)
        }
    }

    /// The shortest form that reads back as the same number, with an exponent from 1e6 up and below 1e-4.
    static func float(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
        let (digits, exponent) = decimal(abs(value))
        let sign = value.sign == .minus ? "-" : ""
        if exponent < -4 || exponent >= 6 {
            let mantissa = digits.count > 1 ? digits.prefix(1) + "." + digits.dropFirst() : digits[...]
            let magnitude = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
            return sign + mantissa + "e" + (exponent < 0 ? "-" : "+") + magnitude
        }
        if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
        let whole = digits.prefix(exponent + 1)
        let padding = String(repeating: "0", count: max(0, exponent + 1 - digits.count))
        let fraction = digits.dropFirst(exponent + 1)
        return sign + whole + padding + (fraction.isEmpty ? "" : "." + fraction)
    }

    /// Significant digits, and the exponent of the first of them.
    private static func decimal(_ value: Double) -> (String, Int) {
        if value == 0 { return ("0", 0) }
        var text = "\(value)"
        var exponent = 0
        if let mark = text.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            exponent = Int(text[text.index(after: mark)...]) ?? 0
            text = String(text[..<mark])
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(parts[0])
        var digits = whole + (parts.count > 1 ? parts[1] : "")
        exponent += whole.count - 1
        while digits.count > 1, digits.hasPrefix("0") {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        return (digits, exponent)
    }

    /// A text in Go's double quotes.
    package static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case "\u{07}": output += "\\a"
            case "\u{08}": output += "\\b"
            case "\u{0C}": output += "\\f"
            case "\u{0B}": output += "\\v"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hexadecimal = String(scalar.value, radix: 16)
                output += "\\x" + (hexadecimal.count < 2 ? "0" : "") + hexadecimal
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output + "\""
    }
}
