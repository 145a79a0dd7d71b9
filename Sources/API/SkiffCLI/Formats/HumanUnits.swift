import GoTemplate

/// Sizes and spans of time for people, as Docker prints them.
enum HumanUnits {
    /// Powers of 1000 with `digits` significant digits: `1.23MB`.
    static func size(_ bytes: Double, digits: Int = 4) -> String {
        scaled(
            bytes, base: 1000, units: ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"], digits: digits)
    }

    /// Powers of 1024: `23.44GiB`.
    static func binarySize(_ bytes: Double) -> String {
        scaled(
            bytes, base: 1024, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"], digits: 4
        )
    }

    private static func scaled(_ value: Double, base: Double, units: [String], digits: Int) -> String {
        var value = value
        var unit = 0
        while value >= base, unit < units.count - 1 {
            value /= base
            unit += 1
        }
        return general(value, digits: digits) + units[unit]
    }

    /// Go's `%.Ng`: `digits` significant digits without trailing zeros.
    static func general(_ value: Double, digits: Int) -> String {
        let scientific = FixedPoint.scientific(value, digits: digits - 1)
        guard let mark = scientific.firstIndex(of: "e"),
            let exponent = Int(scientific[scientific.index(after: mark)...])
        else { return scientific }
        if exponent < -4 || exponent >= digits {
            return withoutTrailingZeros(String(scientific[..<mark])) + scientific[mark...]
        }
        return withoutTrailingZeros(FixedPoint.text(value, digits: max(0, digits - 1 - exponent)))
    }

    private static func withoutTrailingZeros(_ text: String) -> String {
        guard text.contains(".") else { return text }
        var text = text
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}
