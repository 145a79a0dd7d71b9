import Crypto
import OCIModel

/// A running digest of content, of any of the algorithms that are served.
enum ContentHasher: Sendable {
    case sha256(SHA256)
    case sha384(SHA384)
    case sha512(SHA512)

    init(_ algorithm: OCIModel.Digest.Algorithm) {
        switch algorithm {
        case .sha256: self = .sha256(SHA256())
        case .sha384: self = .sha384(SHA384())
        case .sha512: self = .sha512(SHA512())
        }
    }

    var algorithm: OCIModel.Digest.Algorithm {
        switch self {
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .sha256(var hash):
            self = .sha256(SHA256())
            hash.update(bufferPointer: bytes)
            self = .sha256(hash)
        case .sha384(var hash):
            self = .sha384(SHA384())
            hash.update(bufferPointer: bytes)
            self = .sha384(hash)
        case .sha512(var hash):
            self = .sha512(SHA512())
            hash.update(bufferPointer: bytes)
            self = .sha512(hash)
        }
    }

    func finish() throws(RegistryError) -> OCIModel.Digest {
        let bytes: [UInt8] =
            switch self {
            case .sha256(let hash): Array(hash.finalize())
            case .sha384(let hash): Array(hash.finalize())
            case .sha512(let hash): Array(hash.finalize())
            }
        let digits = Array("0123456789abcdef".utf8)
        var hex: [UInt8] = []
        hex.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            hex.append(digits[Int(byte >> 4)])
            hex.append(digits[Int(byte & 15)])
        }
        guard let digest = OCIModel.Digest(algorithm: algorithm, hex: String(decoding: hex, as: UTF8.self))
        else {
            throw RegistryError(.internal, "a \(algorithm.rawValue) digest has \(bytes.count) bytes")
        }
        return digest
    }

    static func digest(of bytes: [UInt8], _ algorithm: OCIModel.Digest.Algorithm) throws(RegistryError)
        -> OCIModel.Digest
    {
        var hasher = ContentHasher(algorithm)
        bytes.withUnsafeBytes { hasher.update($0) }
        return try hasher.finish()
    }
}
