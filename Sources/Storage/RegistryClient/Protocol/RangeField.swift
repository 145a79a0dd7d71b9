/// What registries say about the part of a blob that they send or have. Anything may stand there.
enum RangeField {
    /// How many bytes of an upload a registry has, by its `Range` field: `0-LAST` (distribution specification, "Pushing a
    /// blob in chunks"); `0-0` also means none.
    static func received(_ text: String) -> Int64 {
        let last = text.split(separator: "-").last.flatMap { Int64($0) } ?? 0
        return last > 0 && last < .max ? last + 1 : 0
    }

    /// The position that `bytes FIRST-LAST/SIZE` begins at (RFC 9110, section 14.4); nil where it is none.
    static func first(_ text: String) -> Int64? {
        guard text.hasPrefix("bytes ") else { return nil }
        let digits = text.dropFirst(6).drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
        return Int64(digits)
    }
}
