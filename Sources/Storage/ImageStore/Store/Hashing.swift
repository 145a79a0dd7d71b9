import Crypto
import OCIModel

/// SHA-256 of a stream, as the digest of its content.
struct ContentHash: Sendable {
    private var hash = SHA256()

    mutating func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bufferPointer: bytes) }

    /// Of everything so far.
    var digest: OCIModel.Digest {
        let value = hash.finalize()
        return value.withUnsafeBytes { OCIModel.Digest(sha256: $0) }
    }
}

func sha256(_ bytes: some Sequence<UInt8>) -> OCIModel.Digest {
    var hash = ContentHash()
    Array(bytes).withUnsafeBytes { hash.update($0) }
    return hash.digest
}
