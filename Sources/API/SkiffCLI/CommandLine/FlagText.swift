import GoTemplate

/// The texts of flags: what their types accept, and what is said where they do not.
enum FlagText {
    static func complaint(_ flag: Flag, _ text: String) -> String? {
        let reason: String? =
            switch flag.kind {
            case .bool: bool(text) == nil ? number("ParseBool", text, "invalid syntax") : nil
            case .int, .int64: int(text) == nil ? number("ParseInt", text, fault(text)) : nil
            case .uint16: UInt16(text) == nil ? number("ParseUint", text, fault(text)) : nil
            case .uint64: UInt64(text) == nil ? number("ParseUint", text, fault(text)) : nil
            case .bytes: bytes(text) == nil ? "invalid size: '\(text)'" : nil
            case .duration: duration(text) == nil ? "time: invalid duration \(quoted(text))" : nil
            case .decimal: decimal(text)
            case .filter: text.contains("=") ? nil : "bad format of filter (expected name=value)"
            default: nil
            }
        return reason ?? flag.check?(text)
    }

    private static func decimal(_ text: String) -> String? {
        if nanos(text) != nil { return nil }
        let isNumber = Double(text)?.isFinite == true && !text.contains("x")
        return isNumber ? "value is too precise" : "failed to parse \(text) as a rational number"
    }

    private static func number(_ function: String, _ text: String, _ reason: String) -> String {
        "strconv.\(function): parsing \(quoted(text)): \(reason)"
    }

    private static func fault(_ text: String) -> String {
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        return !digits.isEmpty && digits.allSatisfy(\.isNumber) ? "value out of range" : "invalid syntax"
    }

    static func quoted(_ text: String) -> String { GoPrinter.quoted(text) }

    static func bool(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    static func int(_ text: String) -> Int64? {
        if let value = Int64(text) { return value }
        let negative = text.hasPrefix("-")
        let digits = negative ? text.dropFirst() : text[...]
        let (body, radix): (Substring, Int) =
            switch digits.prefix(2).lowercased() {
            case "0x": (digits.dropFirst(2), 16)
            case "0b": (digits.dropFirst(2), 2)
            case "0o": (digits.dropFirst(2), 8)
            default: ("", 10)
            }
        guard let value = Int64(body, radix: radix), !body.hasPrefix("+"), !body.hasPrefix("-") else {
            return nil
        }
        return negative ? -value : value
    }

    /// A size as `512m`, `1.5 GiB` or a number of bytes; units are powers of 1024.
    static func bytes(_ text: String) -> Int64? {
        guard let mark = text.lastIndex(where: { $0.isASCII && ($0.isNumber || $0 == ".") }) else {
            return nil
        }
        var number = text[...mark]
        let unit = text[text.index(after: mark)...].drop { $0 == " " }.lowercased()
        if number.hasPrefix("+") { number = number.dropFirst() }
        guard let value = Double(number), value >= 0, value.isFinite else { return nil }
        guard let first = unit.first else { return exact(value) }
        guard
            let exponent = "bkmgtpezy".firstIndex(of: first).map({
                "bkmgtpezy".distance(from: "bkmgtpezy".startIndex, to: $0)
            })
        else { return nil }
        let rest = unit.dropFirst()
        guard exponent == 0 ? rest.isEmpty : rest.isEmpty || rest == "b" || rest == "ib" else { return nil }
        var factor = 1.0
        for _ in 0..<exponent { factor *= 1024 }
        return exact(value * factor)
    }

    private static func exact(_ value: Double) -> Int64? {
        value < 9_223_372_036_854_775_808 ? Int64(value) : nil
    }

    private static let units: [(String, Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("h", 3.6e12), ("m", 6e10), ("s", 1e9),
    ]

    /// Nanoseconds of a duration as `1h30m`, `1.5s`.
    static func duration(_ text: String) -> Int64? {
        var rest = text[...]
        var sign = 1.0
        if rest.hasPrefix("-") || rest.hasPrefix("+") { sign = rest.removeFirst() == "-" ? -1 : 1 }
        if rest == "0" { return 0 }
        guard !rest.isEmpty else { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard
                let value = Double(
                    digits.hasPrefix(".") ? "0" + digits : digits + (digits.hasSuffix(".") ? "0" : ""))
            else { return nil }
            rest = rest.dropFirst(digits.count)
            guard let (name, factor) = units.first(where: { rest.hasPrefix($0.0) }) else { return nil }
            rest = rest.dropFirst(name.count)
            total += value * factor
        }
        return abs(total) < 9.2e18 ? Int64((sign * total).rounded()) : nil
    }

    /// A number of processors in billionths; nil where it is no number or finer than that.
    static func nanos(_ text: String) -> Int64? {
        let negative = text.hasPrefix("-")
        let digits = negative || text.hasPrefix("+") ? text.dropFirst() : text[...]
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? parts[1] : ""
        guard !digits.isEmpty, digits != ".", digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
            !fraction.contains(".")
        else { return nil }
        guard let whole = Int64(parts[0].isEmpty ? "0" : parts[0]) else { return nil }
        let padded = fraction + String(repeating: "0", count: max(0, 9 - fraction.count))
        guard padded.dropFirst(9).allSatisfy({ $0 == "0" }), let small = Int64(padded.prefix(9)) else {
            return nil
        }
        let (product, overflow) = whole.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow, product <= Int64.max - small else { return nil }
        return negative ? -(product + small) : product + small
    }
}
