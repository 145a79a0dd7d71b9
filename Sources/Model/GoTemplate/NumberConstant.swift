import JSONCodec

/// A numeric constant of a template: an integer in any of Go's notations, a character, or a floating-point number.
enum NumberConstant: Equatable {
    case integer(Int64)
    case unsigned(UInt64)
    case double(Double)

    init?(_ text: String) {
        var digits = Substring(text)
        var negative = false
        if let sign = digits.first, sign == "+" || sign == "-" {
            negative = sign == "-"
            digits = digits.dropFirst()
        }
        guard let plain = Self.withoutUnderscores(digits) else { return nil }
        let (body, radix) = Self.radix(of: plain)
        if !body.hasPrefix("+"), !body.hasPrefix("-"), let magnitude = UInt64(body, radix: radix) {
            if negative {
                guard magnitude <= UInt64(Int64.max) + 1 else { return nil }
                self = .integer(magnitude == 0 ? 0 : -Int64(magnitude - 1) - 1)
            } else {
                self = Int64(exactly: magnitude).map(NumberConstant.integer) ?? .unsigned(magnitude)
            }
            return
        }
        guard let double = Self.double(plain) else { return nil }
        self = .double(negative ? -double : double)
    }

    /// The character constant with its quotes.
    init?(character text: String) {
        guard let unquoted = GoString.unquote(text), let scalar = unquoted.unicodeScalars.first,
            unquoted.unicodeScalars.count == 1
        else { return nil }
        self = .integer(Int64(scalar.value))
    }

    private static func withoutUnderscores(_ text: Substring) -> String? {
        guard !text.isEmpty, text.first != "_", text.last != "_" else { return nil }
        return text.contains("_") ? String(text.filter { $0 != "_" }) : String(text)
    }

    private static func radix(of text: String) -> (String, Int) {
        let lower = text.lowercased()
        if lower.hasPrefix("0x") { return (String(lower.dropFirst(2)), 16) }
        if lower.hasPrefix("0b") { return (String(lower.dropFirst(2)), 2) }
        if lower.hasPrefix("0o") { return (String(lower.dropFirst(2)), 8) }
        if lower.hasPrefix("0"), lower.count > 1 { return (String(lower.dropFirst()), 8) }
        return (text, 10)
    }

    private static func double(_ text: String) -> Double? {
        guard let first = text.utf8.first, (0x30...0x39).contains(first) || first == 0x2E,
            text.utf8.contains(where: { (0x30...0x39).contains($0) })
        else { return nil }
        // Swift wants digits on both sides of the point.
        var normal = text
        if normal.hasPrefix(".") { normal = "0" + normal }
        if let point = normal.firstIndex(of: ".") {
            let next = normal.index(after: point)
            if next == normal.endIndex || !normal[next].isNumber { normal.insert("0", at: next) }
        }
        guard let value = Double(normal), value.isFinite else { return nil }
        return value
    }

    var value: TemplateValue {
        switch self {
        case .integer(let value): .json(.integer(value), .int)
        case .unsigned(let value): .json(.unsigned(value), .unsigned)
        case .double(let value): .json(.double(value), .float)
        }
    }
}

/// Go's string literals.
enum GoString {
    /// The content of a quoted literal (`"…"` or `'…'`); nil where it is none.
    static func unquote(_ literal: String) -> String? {
        var bytes = Array(literal.utf8)[...]
        guard bytes.count >= 2, let quote = bytes.first, bytes.last == quote else { return nil }
        bytes = bytes.dropFirst().dropLast()
        var output: [UInt8] = []
        while let byte = bytes.popFirst() {
            if byte == quote || byte == 0x0A { return nil }
            guard byte == UInt8(ascii: "\\") else {
                output.append(byte)
                continue
            }
            guard escape(&bytes, quote, &output) else { return nil }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static let simple: [UInt8: UInt8] = [
        UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10,
        UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11, UInt8(ascii: "\\"): 0x5C,
    ]

    private static func escape(_ bytes: inout ArraySlice<UInt8>, _ quote: UInt8, _ output: inout [UInt8])
        -> Bool
    {
        guard let byte = bytes.popFirst() else { return false }
        if let plain = simple[byte] {
            output.append(plain)
            return true
        }
        switch byte {
        case quote: output.append(quote)
        case UInt8(ascii: "x"):
            guard let value = number(&bytes, digits: 2, radix: 16) else { return false }
            output.append(UInt8(value))
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            guard let value = number(&bytes, digits: byte == UInt8(ascii: "u") ? 4 : 8, radix: 16),
                let scalar = Unicode.Scalar(value)
            else { return false }
            output.append(contentsOf: Array(String(Character(scalar)).utf8))
        case 0x30...0x37:
            bytes = [byte] + bytes
            guard let value = number(&bytes, digits: 3, radix: 8), value < 256 else { return false }
            output.append(UInt8(value))
        default: return false
        }
        return true
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>, digits: Int, radix: Int) -> UInt32? {
        guard bytes.count >= digits else { return nil }
        let text = String(decoding: bytes.prefix(digits), as: UTF8.self)
        bytes = bytes.dropFirst(digits)
        guard !text.hasPrefix("+"), !text.hasPrefix("-") else { return nil }
        return UInt32(text, radix: radix)
    }
}
