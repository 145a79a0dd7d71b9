import COpenSSL
import Crypto
import LinuxKernel

/// What tokens are checked with: the public key of whoever issues them.
enum TokenKey: Sendable {
    /// Curve P-256.
    case ecdsa(P256.Signing.PublicKey)
    /// 2048 bits at least.
    case rsa(RSAPublicKey)

    /// The name of the signature's kind (RFC 7518, section 3.1).
    var algorithm: String {
        switch self {
        case .ecdsa: "ES256"
        case .rsa: "RS256"
        }
    }

    func hasSigned(_ bytes: [UInt8], _ signature: [UInt8]) -> Bool {
        switch self {
        case .ecdsa(let key):
            (try? P256.Signing.ECDSASignature(rawRepresentation: signature)).map {
                key.isValidSignature($0, for: bytes)
            } ?? false
        case .rsa(let key): key.hasSigned(bytes, signature)
        }
    }

    /// - Parameter path: of a file with a public key or a certificate, PEM
    /// - Throws: `RegistryError` (`configurationInvalid`), `SystemCallError`
    init(file path: String) throws {
        let bytes = try readFile(path, limit: 64 << 10)
        if let key = try? P256.Signing.PublicKey(pemRepresentation: String(decoding: bytes, as: UTF8.self)) {
            self = .ecdsa(key)
            return
        }
        guard let opened = PublicKeyFile(bytes) else {
            throw Self.invalid(path, "holds neither a public key nor a certificate in PEM form")
        }
        if let text = opened.ellipticKey, let key = try? P256.Signing.PublicKey(pemRepresentation: text) {
            self = .ecdsa(key)
        } else if let key = opened.rsaKey {
            self = .rsa(key)
        } else {
            throw Self.invalid(
                path, "holds neither a key of the curve P-256 nor an RSA key of 2048 bits or more")
        }
    }

    private static func invalid(_ path: String, _ reason: String) -> RegistryError {
        RegistryError(.configurationInvalid, "token-key: \(path) \(reason)")
    }
}

/// An RSA key that checks signatures (PKCS #1 v1.5 with SHA-256).
// Unchecked: OpenSSL only reads a key once it is made, and counts its owners by itself.
final class RSAPublicKey: @unchecked Sendable {
    private let key: OpaquePointer

    fileprivate init(owning key: OpaquePointer) { self.key = key }

    deinit { EVP_PKEY_free(key) }

    func hasSigned(_ bytes: [UInt8], _ signature: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        guard EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, bytes, bytes.count) == 1
    }
}

/// The public key in a PEM file, or in the certificate there.
private struct PublicKeyFile: ~Copyable {
    private let key: OpaquePointer

    init?(_ bytes: [UInt8]) {
        defer { ERR_clear_error() }
        guard let key = Self.read(bytes, Self.publicKey) ?? Self.read(bytes, Self.certifiedKey) else {
            return nil
        }
        self.key = key
    }

    /// The bytes stay where they are as long as OpenSSL reads them: it takes no copy.
    private static func read(_ bytes: [UInt8], _ body: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
        bytes.withUnsafeBytes { bytes in
            guard let source = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return nil }
            defer { BIO_free(source) }
            return body(source)
        }
    }

    private static func publicKey(_ source: OpaquePointer) -> OpaquePointer? {
        PEM_read_bio_PUBKEY(source, nil, nil, nil)
    }

    private static func certifiedKey(_ source: OpaquePointer) -> OpaquePointer? {
        guard let certificate = PEM_read_bio_X509(source, nil, nil, nil) else { return nil }
        defer { X509_free(certificate) }
        return X509_get_pubkey(certificate)
    }

    deinit { EVP_PKEY_free(key) }

    var rsaKey: RSAPublicKey? {
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA, EVP_PKEY_get_bits(key) >= 2048,
            EVP_PKEY_up_ref(key) == 1
        else { return nil }
        return RSAPublicKey(owning: key)
    }

    /// In PEM form; nil where it is of another kind.
    var ellipticKey: String? {
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_EC, let target = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(target) }
        guard PEM_write_bio_PUBKEY(target, key) == 1 else { return nil }
        var text = [UInt8](repeating: 0, count: 4096)
        let count = BIO_read(target, &text, Int32(text.count))
        return count > 0 ? String(decoding: text[..<Int(count)], as: UTF8.self) : nil
    }
}
