/// The part of some content that a `Range` field asks for (RFC 9110, section 14.2).
enum RequestedRange: Sendable, Equatable {
    /// All of it: no such field, one that is not understood, or several ranges, which a server may ignore.
    case whole
    case part(Range<Int64>)
    case unsatisfiable

    /// - Parameter size: of the content, in bytes
    init(_ field: String?, size: Int64) {
        guard let field, field.utf8.count <= 64, field.lowercased().hasPrefix("bytes=") else {
            self = .whole
            return
        }
        let text = field.dropFirst("bytes=".count).trimming()
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map {
            $0.trimming()
        }
        guard ends.count == 2, !text.contains(",") else {
            self = .whole
            return
        }
        switch (Self.number(ends[0]), Self.number(ends[1])) {
        case (.some(let first), .some(let last)) where first <= last:
            self = first < size ? .part(first..<(min(last, size - 1) + 1)) : .unsatisfiable
        case (.some(let first), nil) where ends[1].isEmpty:
            self = first < size ? .part(first..<size) : .unsatisfiable
        case (nil, .some(let count)) where ends[0].isEmpty:
            self = count > 0 && size > 0 ? .part(max(0, size - count)..<size) : .unsatisfiable
        default: self = .whole
        }
    }

    private static func number(_ text: String) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        // Beyond the end of everything is as good as the end.
        return Int64(text) ?? .max - 1
    }
}

/// Where a chunk of an upload belongs: `Content-Range: 0-99`, both ends included; the `bytes` unit in front and a total
/// behind, as RFC 9110 has them, are taken too.
struct ChunkRange: Sendable, Equatable {
    let first: Int64
    let last: Int64

    var count: Int64 { last - first + 1 }

    /// - Throws: `RegistryError` (`rangeInvalid`)
    init(_ field: String) throws(RegistryError) {
        var text = field.trimming()
        if text.lowercased().hasPrefix("bytes ") { text = text.dropFirst(6).trimming() }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)[0]
            .split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = Self.number(parts[0]), let last = Self.number(parts[1]),
            first <= last
        else {
            throw RegistryError(
                .rangeInvalid,
                "invalid Content-Range \"\(field.prefix(80))\": expected FIRST-LAST, such as 0-1023")
        }
        self.first = first
        self.last = last
    }

    private static func number(_ text: Substring) -> Int64? {
        guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int64(text)
    }
}

extension StringProtocol {
    /// Without the spaces and tabs at both ends.
    fileprivate func trimming() -> String {
        var text = String(self)[...]
        while let first = text.utf8.first, first == 0x20 || first == 0x09 { text = text.dropFirst() }
        while let last = text.utf8.last, last == 0x20 || last == 0x09 { text = text.dropLast() }
        return String(text)
    }
}
