import Crypto
package import OCIModel

/// A manifest or index as a registry keeps it.
package struct FetchedManifest: Sendable {
    package let bytes: [UInt8]
    package let mediaType: String
    /// Of `bytes`.
    package let digest: OCIModel.Digest

    package init(bytes: [UInt8], mediaType: String, digest: OCIModel.Digest) {
        self.bytes = bytes
        self.mediaType = mediaType
        self.digest = digest
    }
}

/// Which manifest of a repository is meant.
package enum ManifestSelector: Sendable, Hashable, CustomStringConvertible {
    case tag(String)
    case digest(OCIModel.Digest)

    /// The digest where the reference has one, else its tag, else `latest`.
    package init(_ reference: Reference) {
        if let digest = reference.digest {
            self = .digest(digest)
        } else {
            self = .tag(reference.tag ?? Reference.defaultTag)
        }
    }

    package var description: String {
        switch self {
        case .tag(let tag): tag
        case .digest(let digest): digest.description
        }
    }
}

extension OCIModel.Digest {
    /// Of some bytes in memory, by whatever algorithm.
    package static func of(_ bytes: [UInt8], _ algorithm: Algorithm = .sha256) -> OCIModel.Digest {
        func hex(_ value: some Sequence<UInt8>) -> String {
            value.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        let text =
            switch algorithm {
            case .sha256: hex(SHA256.hash(data: bytes))
            case .sha384: hex(SHA384.hash(data: bytes))
            case .sha512: hex(SHA512.hash(data: bytes))
            }
        return OCIModel.Digest(algorithm: algorithm, hex: text)
            ?? OCIModel.Digest(sha256: SHA256.hash(data: bytes))
    }
}
