import COpenSSL
import Glibc
import Testing

@testable import TLS

/// An authority of one test, and certificates of it, as files in a folder that goes with it.
final class TestAuthority {
    let folder: String
    /// The authority's own certificate.
    var certificate: String { "\(folder)/authority.crt" }
    private let key: OpaquePointer
    private let issuer: OpaquePointer
    private var serial = 1

    init() throws {
        folder = "/tmp/skiff-tls-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try #require(mkdir(folder, 0o700) == 0)
        key = try Self.makeKey()
        issuer = try Self.makeCertificate("authority", key, issuer: nil, signer: key, serial: 1)
        try Self.write(certificate) { PEM_write_bio_X509($0, issuer) }
    }

    deinit {
        X509_free(issuer)
        EVP_PKEY_free(key)
        for name in ["authority", "localhost", "client", "other"] {
            unlink("\(folder)/\(name).crt")
            unlink("\(folder)/\(name).key")
        }
        rmdir(folder)
    }

    /// A certificate for `name`, signed by the authority.
    func issue(_ name: String) throws -> TLSContext.Identity {
        serial += 1
        let own = try Self.makeKey()
        defer { EVP_PKEY_free(own) }
        let made = try Self.makeCertificate(name, own, issuer: issuer, signer: key, serial: serial)
        defer { X509_free(made) }
        let identity = TLSContext.Identity(certificate: "\(folder)/\(name).crt", key: "\(folder)/\(name).key")
        try Self.write(identity.certificate) { PEM_write_bio_X509($0, made) }
        try Self.write(identity.key) { PEM_write_bio_PrivateKey($0, own, nil, nil, 0, nil, nil) }
        return identity
    }

    private static func write(_ path: String, _ body: (OpaquePointer) -> Int32) throws {
        let file = try #require(BIO_new_file(path, "w"))
        defer { BIO_free(file) }
        try #require(body(file) == 1)
    }

    /// P-256.
    private static func makeKey() throws -> OpaquePointer {
        let context = try #require(EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil))
        defer { EVP_PKEY_CTX_free(context) }
        try #require(EVP_PKEY_keygen_init(context) == 1)
        try #require(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1)
        var key: OpaquePointer?
        try #require(EVP_PKEY_keygen(context, &key) == 1)
        return try #require(key)
    }

    private static func makeCertificate(
        _ name: String, _ key: OpaquePointer, issuer: OpaquePointer?, signer: OpaquePointer, serial: Int
    ) throws -> OpaquePointer {
        let made = try #require(X509_new())
        X509_set_version(made, 2)
        ASN1_INTEGER_set(X509_get_serialNumber(made), serial)
        X509_gmtime_adj(X509_getm_notBefore(made), -3600)
        X509_gmtime_adj(X509_getm_notAfter(made), 86400)
        X509_set_pubkey(made, key)
        let subject = X509_get_subject_name(made)
        try #require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1)
        X509_set_issuer_name(made, issuer.map { X509_get_subject_name($0) } ?? subject)
        let constraint = try #require(
            X509V3_EXT_conf_nid(
                nil, nil, NID_basic_constraints, issuer == nil ? "critical,CA:TRUE" : "CA:FALSE"))
        X509_add_ext(made, constraint, -1)
        X509_EXTENSION_free(constraint)
        try #require(X509_sign(made, signer, EVP_sha256()) > 0)
        return made
    }
}
