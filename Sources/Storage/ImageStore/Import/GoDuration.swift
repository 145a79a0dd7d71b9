/// Durations as Go writes them: `1h2m3.5s`, `300ms`.
package enum GoDuration {
    private static let units: [(String, Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12),
    ]

    /// - Returns: nil where the text is none, or exceeds 292 years
    package static func nanoseconds(_ text: String) -> Int64? {
        if text == "0" { return 0 }
        var rest = text[...]
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest[digits.endIndex...]
            let unit = rest.prefix { !($0.isASCII && $0.isNumber) && $0 != "." }
            rest = rest[unit.endIndex...]
            guard let number = Double(digits), let factor = units.first(where: { $0.0 == unit })?.1 else {
                return nil
            }
            total += number * factor
        }
        return total < 9.2e18 ? Int64(total) : nil
    }
}
