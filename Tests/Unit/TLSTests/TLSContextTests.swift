import COpenSSL
import Glibc
import Testing

@testable import TLS

@Suite struct TLSContextTests {
    @Test func keyOfAnotherCertificateIsRefusedByName() throws {
        let authority = try TestAuthority()
        let (one, two) = (try authority.issue("localhost"), try authority.issue("other"))
        let error = #expect(throws: TLSError.self) {
            try TLSContext(server: .init(certificate: one.certificate, key: two.key), clientAuthorities: nil)
        }
        #expect(error?.code == .fileInvalid && error?.message.contains(two.key) == true)
        withExtendedLifetime(authority) {}
    }

    @Test func missingFilesAreRefusedByName() throws {
        let authority = try TestAuthority()
        let identity = try authority.issue("localhost")
        for (context, name) in [
            (TLSContext.Identity(certificate: "/nonexistent.crt", key: identity.key), "/nonexistent.crt"),
            (.init(certificate: identity.certificate, key: "/nonexistent.key"), "/nonexistent.key"),
        ] {
            let error = #expect(throws: TLSError.self) {
                try TLSContext(server: context, clientAuthorities: nil)
            }
            #expect(error?.message.contains(name) == true)
        }
        withExtendedLifetime(authority) {}
    }

    /// The system's dialog for passwords would wait for a terminal for ever.
    @Test func keyWithAPasswordIsRefusedAtOnce() throws {
        let authority = try TestAuthority()
        let identity = try authority.issue("localhost")
        let plain = try #require(BIO_new_file(identity.key, "r"))
        let key = try #require(PEM_read_bio_PrivateKey(plain, nil, nil, nil))
        BIO_free(plain)
        let file = try #require(BIO_new_file(identity.key, "w"))
        try #require(
            PEM_write_bio_PrivateKey(file, key, EVP_aes_128_cbc(), Array("secret".utf8), 6, nil, nil) == 1)
        BIO_free(file)
        EVP_PKEY_free(key)
        #expect(throws: TLSError.self) { try TLSContext(server: identity, clientAuthorities: nil) }
        withExtendedLifetime(authority) {}
    }

    @Test func sessionIsResumedByItsTicket() throws {
        let pair = try PipePair()
        let context = try TLSContext(
            authorities: [pair.authority.certificate], identities: [], verifies: true)
        var earlier: OpaquePointer?
        let server = try TLSContext(server: pair.authority.issue("localhost"), clientAuthorities: nil)
        for round in 0..<2 {
            let client = try PipeEnd(context, isServer: false, host: "localhost")
            let serverEnd = try PipeEnd(server, isServer: true)
            if let earlier { client.step { SSL_set_session($0.raw, earlier) == 1 ? .done(0) : .ended } }
            for _ in 0..<6 {
                client.shakeHands()
                serverEnd.shakeHands()
                PipeEnd.exchange(client, serverEnd)
            }
            _ = client.readAll()
            var isResumed = false
            client.step { session in
                isResumed = session.isResumed
                if round == 0 { earlier = SSL_get1_session(session.raw) }
                // A connection that is only dropped takes its session with it.
                return session.end()
            }
            #expect(isResumed == (round == 1))
        }
        SSL_SESSION_free(earlier)
    }

    /// TLS 1.2's renegotiation makes a server work for nothing, again and again.
    @Test func renegotiationIsRefused() throws {
        let pair = try PipePair()
        pair.client.step { session in
            SSL_ctrl(session.raw, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
            SSL_set_options(session.raw, 0)
            SSL_clear_options(session.raw, UInt64(1) << 30)
            return .done(0)
        }
        let ends = pair.shakeHands()
        try #require(ends.0.isSuccess && ends.1.isSuccess)
        pair.client.step { session in
            #expect(session.version == "TLSv1.2")
            SSL_renegotiate(session.raw)
            return session.connect()
        }
        try #require(!pair.client.outgoing.isEmpty)
        PipeEnd.exchange(pair.client, pair.server)
        let (bytes, _) = pair.server.readAll()
        PipeEnd.exchange(pair.client, pair.server)
        // Refused by an alert; no second handshake has begun.
        #expect(bytes.isEmpty)
        #expect(pair.client.readAll().1.failure == .protocolFailed)
    }

    @Test func olderVersionsAreRefused() throws {
        let pair = try PipePair()
        pair.client.step { session in
            SSL_ctrl(session.raw, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_1_VERSION), nil)
            SSL_ctrl(session.raw, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_1_VERSION), nil)
            SSL_set_cipher_list(session.raw, "DEFAULT@SECLEVEL=0")
            return .done(0)
        }
        let ends = pair.shakeHands()
        #expect(ends.1.failure == .protocolFailed, "\(ends)")
    }

    @Test(arguments: [(["h2", "http/1.1"], true), (["h2"], false), ([], true)])
    func onlyHTTP1IsAgreedOn(offered: [String], succeeds: Bool) throws {
        let pair = try PipePair()
        let list = offered.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        pair.client.step { session in
            if !list.isEmpty { SSL_set_alpn_protos(session.raw, list, UInt32(list.count)) }
            return .done(0)
        }
        let ends = pair.shakeHands()
        #expect(ends.1.isSuccess == succeeds)
    }
}
