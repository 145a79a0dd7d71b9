import COpenSSL
import Crypto
import Glibc
import JSONCodec
import LinuxKernel
import Testing

@testable import RegistryServer

@Suite struct TokenKeyTests {
    /// A token as another service signs it, by RSA.
    private struct Issuer: ~Copyable {
        let key: OpaquePointer

        init(bits: Int32 = 2048) throws {
            let context = try #require(EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nil))
            defer { EVP_PKEY_CTX_free(context) }
            try #require(
                EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1)
            var made: OpaquePointer?
            try #require(EVP_PKEY_keygen(context, &made) == 1)
            key = try #require(made)
        }

        deinit { EVP_PKEY_free(key) }

        borrowing func publicKey() throws -> TokenKey {
            let path = "/tmp/skiff-token-\(getpid())-\(UInt64.random(in: 0 ... .max))"
            let file = try #require(BIO_new_file(path, "w"))
            try #require(PEM_write_bio_PUBKEY(file, key) == 1)
            BIO_free(file)
            defer { unlink(path) }
            return try TokenKey(file: path)
        }

        borrowing func sign(_ text: String) throws -> [UInt8] {
            let context = try #require(EVP_MD_CTX_new())
            defer { EVP_MD_CTX_free(context) }
            let bytes = Array(text.utf8)
            var signature = [UInt8](repeating: 0, count: 1024)
            var count = signature.count
            try #require(EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1)
            try #require(EVP_DigestSign(context, &signature, &count, bytes, bytes.count) == 1)
            return Array(signature[..<count])
        }

        borrowing func token(algorithm: String = "RS256") throws -> String {
            let header: JSONValue = ["alg": .string(algorithm), "typ": "JWT"]
            let claims: JSONValue = [
                "iss": "i", "aud": "a", "sub": "s", "exp": 200,
                "access": [["type": "repository", "name": "x", "actions": ["pull"]]],
            ]
            let text = "\(Base64.encodeURL(header.bytes())).\(Base64.encodeURL(claims.bytes()))"
            return "\(text).\(Base64.encodeURL(try sign(text)))"
        }
    }

    private func verified(_ text: String, _ keys: [TokenKey]) -> Token? {
        Token.verified(text, keys: keys, issuer: "i", audience: "a", now: 100)
    }

    @Test func tokenSignedByRSAIsTaken() throws {
        let issuer = try Issuer()
        let token = try #require(
            verified(issuer.token(), [.ecdsa(P256.Signing.PrivateKey().publicKey), issuer.publicKey()]))
        #expect(token.subject == "s" && token.access.first?.actions == ["pull"])
    }

    /// What the token says about its kind does not choose how it is checked.
    @Test(arguments: ["ES256", "HS256", "none", "rs256", "RS512"])
    func tokenThatNamesAnotherKindIsRefused(algorithm: String) throws {
        let issuer = try Issuer()
        #expect(verified(try issuer.token(algorithm: algorithm), [try issuer.publicKey()]) == nil)
    }

    @Test func tokenOfAnotherKeyIsRefused() throws {
        let (one, two) = (try Issuer().publicKey(), try Issuer().token())
        #expect(verified(two, [one]) == nil)
    }

    @Test func shortKeyIsRefused() throws {
        let issuer = try Issuer(bits: 1024)
        #expect(throws: RegistryError.self) { _ = try issuer.publicKey() }
    }
}
