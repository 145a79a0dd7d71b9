/// Sizes as people write them: `10m`, `1.5GiB`, `4096`; binary units whatever they are called, as Docker reads them.
package enum ByteSize {
    /// - Returns: bytes; nil where the text is no size
    package static func parse(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        let unit = text.dropFirst(digits.count).lowercased().filter { $0 != " " }
        guard let number = Double(digits), let first = unit.first ?? "b" as Character? else { return nil }
        guard let power = ["b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5][first] as Int?,
            ["", "b", "ib"].contains(String(unit.dropFirst())), !(first == "b" && unit.count > 1)
        else { return nil }
        let scaled = number * Double(Int64(1) << Int64(10 * power))
        return scaled < 9e18 ? Int64(scaled) : nil
    }
}
