/// The name of a repository: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/…)*`, at most 255 bytes (distribution-spec, "Pulling
/// manifests").
struct RepositoryName: Sendable, Hashable, CustomStringConvertible {
    static let limit = 255

    let description: String

    /// - Returns: nil where the text is no such name
    init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.limit else { return nil }
        let parts = Array(text.utf8).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard !parts.isEmpty, parts.allSatisfy({ Self.isComponent($0) }) else { return nil }
        description = String(text)
    }

    private static func isComponent(_ part: ArraySlice<UInt8>) -> Bool {
        guard let first = part.first, let last = part.last, isAlphanumeric(first), isAlphanumeric(last)
        else { return false }
        var run: [UInt8] = []
        for byte in part {
            if isAlphanumeric(byte) {
                guard isSeparator(run) else { return false }
                run = []
            } else {
                run.append(byte)
            }
        }
        return true
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }

    /// Nothing, a dot, one or two underscores, or any number of hyphens.
    private static func isSeparator(_ run: [UInt8]) -> Bool {
        guard let first = run.first else { return true }
        switch first {
        case UInt8(ascii: "."): return run.count == 1
        case UInt8(ascii: "_"): return run.count <= 2 && run.allSatisfy { $0 == first }
        case UInt8(ascii: "-"): return run.allSatisfy { $0 == first }
        default: return false
        }
    }
}
