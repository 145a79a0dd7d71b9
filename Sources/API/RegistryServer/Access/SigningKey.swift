import Crypto
import LinuxKernel

/// The key that the registry signs its tokens with: made at the first start, kept with the content.
enum SigningKey {
    static func load(_ path: String) throws -> P256.Signing.PrivateKey {
        if !fileExists(path) {
            let key = P256.Signing.PrivateKey()
            try replaceFile(path, Array(key.pemRepresentation.utf8), mode: 0o600, durable: true)
            return key
        }
        let text = String(decoding: try readFile(path, limit: 64 << 10), as: UTF8.self)
        do {
            return try P256.Signing.PrivateKey(pemRepresentation: text)
        } catch {
            throw RegistryError(
                .configurationInvalid, "\(path) holds no key of the curve P-256 in PEM form: \(error)",
                cause: error)
        }
    }
}
