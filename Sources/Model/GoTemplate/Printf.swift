import JSONCodec

/// Go's `Sprintf` for the types that templates have.
struct Printf {
    private let format: [UInt8]
    private let arguments: [TemplateValue]
    private var position = 0
    private var next = 0
    private var output: [UInt8] = []

    private struct Directive {
        var minus = false
        var plus = false
        var space = false
        var zero = false
        var sharp = false
        var width: Int?
        var precision: Int?
    }

    /// Go refuses wider ones too.
    private static let widthLimit = 1_000_000

    init(format: String, arguments: [TemplateValue]) {
        self.format = Array(format.utf8)
        self.arguments = arguments
    }

    mutating func run() -> String {
        while position < format.count {
            let byte = format[position]
            position += 1
            if byte == UInt8(ascii: "%") { directive() } else { output.append(byte) }
        }
        if next < arguments.count {
            let extra = arguments[next...].map { "\(Self.typeName($0))=\(GoPrinter.format($0))" }
            append("%!(EXTRA " + extra.joined(separator: ", ") + ")")
        }
        return String(decoding: output, as: UTF8.self)
    }

    private mutating func directive() {
        var directive = Directive()
        flags(&directive)
        directive.width = number()
        if let width = directive.width, width < 0 {
            directive.minus = true
            directive.width = -width
        }
        if position < format.count, format[position] == UInt8(ascii: ".") {
            position += 1
            directive.precision = number() ?? 0
        }
        guard position < format.count else { return append("%!(NOVERB)") }
        let rest = String(decoding: format[position...].prefix(4), as: UTF8.self)
        guard let verb = rest.unicodeScalars.first else { return append("%!(NOVERB)") }
        position += String(verb).utf8.count
        if verb == "%" { return append("%") }
        guard next < arguments.count else { return append("%!\(verb)(MISSING)") }
        let argument = arguments[next]
        next += 1
        append(Self.apply(argument, verb, directive))
    }

    private mutating func flags(_ directive: inout Directive) {
        while position < format.count {
            switch format[position] {
            case UInt8(ascii: "-"): directive.minus = true
            case UInt8(ascii: "+"): directive.plus = true
            case UInt8(ascii: " "): directive.space = true
            case UInt8(ascii: "0"): directive.zero = true
            case UInt8(ascii: "#"): directive.sharp = true
            default: return
            }
            position += 1
        }
    }

    /// A width or precision in digits, or taken from the arguments (`*`).
    private mutating func number() -> Int? {
        if position < format.count, format[position] == UInt8(ascii: "*") {
            position += 1
            guard next < arguments.count else { return nil }
            defer { next += 1 }
            return arguments[next].integer.flatMap { abs($0) <= Int64(Self.widthLimit) ? Int($0) : nil }
        }
        var value: Int?
        while position < format.count, (0x30...0x39).contains(format[position]) {
            value = min((value ?? 0) * 10 + Int(format[position] - 0x30), Self.widthLimit)
            position += 1
        }
        return value
    }

    private mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }

    // MARK: Verbs

    /// A value under a verb; the parts of lists and maps each, what does not fit as Go reports it.
    private static func apply(_ value: TemplateValue, _ verb: Unicode.Scalar, _ directive: Directive)
        -> String
    {
        if verb != "v", verb != "T" {
            if let elements = value.elements {
                return "[" + elements.map { apply($0, verb, directive) }.joined(separator: " ") + "]"
            }
            if let entries = value.entries {
                let parts = entries.map {
                    "\(apply(.string($0.key), verb, directive)):\(apply($0.value, verb, directive))"
                }
                return "map[" + parts.joined(separator: " ") + "]"
            }
        }
        guard let text = render(value, verb, directive) else {
            return "%!\(verb)(\(typeName(value))=\(GoPrinter.format(value)))"
        }
        return padded(text, directive)
    }

    private static func render(_ value: TemplateValue, _ verb: Unicode.Scalar, _ directive: Directive)
        -> String?
    {
        switch verb {
        case "v": return GoPrinter.format(value)
        case "T": return typeName(value)
        default: break
        }
        if let text = value.text { return string(text, verb, directive) }
        switch value.resolved {
        case .json(.bool(let bool), _): return verb == "t" ? "\(bool)" : nil
        case .json(.integer(let number), let type):
            if case .float = type { return float(Double(number), verb, directive) }
            return integer(number < 0, number.magnitude, verb, directive)
        case .json(.unsigned(let number), _): return integer(false, number, verb, directive)
        case .json(.double(let number), _): return float(number, verb, directive)
        default: return nil
        }
    }

    private static func string(_ text: String, _ verb: Unicode.Scalar, _ directive: Directive) -> String? {
        var text = text
        if let precision = directive.precision { text = String(text.prefix(precision)) }
        switch verb {
        case "s": return text
        case "q": return directive.sharp && !text.contains("`") ? "`\(text)`" : GoPrinter.quoted(text)
        case "x", "X":
            return text.utf8.map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: verb == "X")
            }.joined()
        default: return nil
        }
    }

    private static func integer(
        _ negative: Bool, _ magnitude: UInt64, _ verb: Unicode.Scalar, _ directive: Directive
    ) -> String? {
        let sign = negative ? "-" : directive.plus ? "+" : directive.space ? " " : ""
        var digits: String
        var prefix = ""
        switch verb {
        case "d": digits = String(magnitude)
        case "b": (digits, prefix) = (String(magnitude, radix: 2), directive.sharp ? "0b" : "")
        case "o": (digits, prefix) = (String(magnitude, radix: 8), directive.sharp ? "0" : "")
        case "O": (digits, prefix) = (String(magnitude, radix: 8), "0o")
        case "x": (digits, prefix) = (String(magnitude, radix: 16), directive.sharp ? "0x" : "")
        case "X":
            (digits, prefix) = (String(magnitude, radix: 16, uppercase: true), directive.sharp ? "0X" : "")
        case "c", "q", "U": return character(magnitude, verb)
        default: return nil
        }
        var wanted = directive.precision ?? 0
        if directive.zero, !directive.minus, directive.precision == nil, let width = directive.width {
            wanted = width - sign.count - prefix.count
        }
        if digits.count < wanted { digits = String(repeating: "0", count: wanted - digits.count) + digits }
        return sign + prefix + digits
    }

    private static func character(_ magnitude: UInt64, _ verb: Unicode.Scalar) -> String {
        let scalar = UInt32(exactly: magnitude).flatMap(Unicode.Scalar.init) ?? "\u{FFFD}"
        switch verb {
        case "U": return String(Lexer.describe(scalar).prefix { $0 != " " })
        case "q": return "'\(scalar)'"
        default: return String(scalar)
        }
    }

    private static func float(_ value: Double, _ verb: Unicode.Scalar, _ directive: Directive) -> String? {
        let sign = value.sign == .minus ? "" : directive.plus ? "+" : directive.space ? " " : ""
        switch verb {
        case "f", "F": return sign + FixedPoint.text(value, digits: min(directive.precision ?? 6, 300))
        case "e", "E":
            let text = FixedPoint.scientific(value, digits: min(directive.precision ?? 6, 300))
            return sign + (verb == "E" ? text.uppercased() : text)
        case "g", "G": return sign + GoPrinter.float(value)
        default: return nil
        }
    }

    private static func padded(_ text: String, _ directive: Directive) -> String {
        let missing = (directive.width ?? 0) - text.unicodeScalars.count
        guard missing > 0 else { return text }
        if directive.minus { return text + String(repeating: " ", count: missing) }
        guard directive.zero else { return String(repeating: " ", count: missing) + text }
        let zeros = String(repeating: "0", count: missing)
        guard let first = text.first, first == "-" || first == "+" else { return zeros + text }
        return String(first) + zeros + text.dropFirst()
    }

    private static func typeName(_ value: TemplateValue) -> String {
        switch value.resolved {
        case .missing: "<nil>"
        case .json(_, .int): "int"
        case let other: other.typeName
        }
    }
}
