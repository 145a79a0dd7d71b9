import OCIModel

/// What follows `/manifests/` in a path: a tag or a digest.
enum ManifestReference: Sendable, Hashable {
    case tag(String)
    case digest(Digest)

    /// - Throws: `RegistryError` (`digestInvalid`, `tagInvalid`)
    init(_ text: String) throws(RegistryError) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            self = .digest(try Digest(registry: text))
        } else {
            guard Self.isTag(text) else {
                throw RegistryError(.tagInvalid, "invalid tag \"\(text.prefix(128))\"")
            }
            self = .tag(text)
        }
    }

    /// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
    static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128, isWord(first) else { return false }
        return text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"): true
        default: false
        }
    }
}

extension Digest {
    /// - Throws: `RegistryError` (`digestInvalid`) for text that is no digest, or one of an algorithm that is not served
    init(registry text: String) throws(RegistryError) {
        guard let digest = Digest(text) else {
            throw RegistryError(
                .digestInvalid,
                "invalid digest \"\(text.prefix(160))\": expected sha256:, sha384: or sha512: and its hexadecimal value"
            )
        }
        self = digest
    }
}
