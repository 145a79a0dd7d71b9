import COpenSSL

/// What the connections of one side have in common: certificates, keys, whom they trust.
// Unchecked: OpenSSL's contexts are counted and locked by themselves, and nothing changes this one after `init`.
package final class TLSContext: @unchecked Sendable {
    let raw: OpaquePointer

    /// A file with certificates and one with the key of the first of them, both PEM.
    package struct Identity: Sendable, Hashable {
        package let certificate: String
        package let key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// A client's.
    /// - Parameters:
    ///   - authorities: files (PEM) with authorities that are trusted besides the system's
    ///   - identities: what the client shows to servers that ask
    ///   - verifies: false to trust every server
    /// - Throws: `TLSError` (`fileInvalid`), naming the file
    package init(authorities: [String], identities: [Identity], verifies: Bool) throws(TLSError) {
        raw = try Self.make(TLS_client_method())
        skiff_ssl_ignore_cut(raw)
        SSL_CTX_set_verify(raw, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        if verifies {
            guard SSL_CTX_set_default_verify_paths(raw) == 1 else {
                throw TLSError(.setupFailed, "cannot load the system's authorities: \(ErrorQueue().text)")
            }
        }
        for file in authorities { try trust(file) }
        for identity in identities { try use(identity) }
    }

    /// A server's. Chooses the cheapest of the clients' ciphers that is safe, resumes sessions by tickets, speaks HTTP/1.1.
    /// - Parameter clientAuthorities: a file (PEM) with the authorities of which every client has to show a certificate;
    ///   nil where clients need none
    /// - Throws: `TLSError` (`fileInvalid`), naming the file
    package init(server identity: Identity, clientAuthorities: String?) throws(TLSError) {
        raw = try Self.make(TLS_server_method())
        guard skiff_ssl_configure_server(raw) == 1 else {
            throw TLSError(.setupFailed, "cannot set up TLS: \(ErrorQueue().text)")
        }
        try use(identity)
        guard let clientAuthorities else { return }
        try trust(clientAuthorities)
        // The names of these go to clients, so that they can choose among their certificates.
        guard let names = SSL_load_client_CA_file(clientAuthorities) else {
            throw TLSError(
                .fileInvalid, "cannot use the authorities in \(clientAuthorities): \(ErrorQueue().text)")
        }
        SSL_CTX_set_client_CA_list(raw, names)
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }

    deinit { SSL_CTX_free(raw) }

    private static func make(_ method: OpaquePointer?) throws(TLSError) -> OpaquePointer {
        ErrorQueue.clear()
        guard let raw = SSL_CTX_new(method), skiff_ssl_configure(raw) == 1 else {
            throw TLSError(.setupFailed, "cannot set up TLS: \(ErrorQueue().text)")
        }
        return raw
    }

    private func trust(_ file: String) throws(TLSError) {
        guard SSL_CTX_load_verify_locations(raw, file, nil) == 1, skiff_ssl_trust_partial_chains(raw) == 1
        else {
            throw TLSError(.fileInvalid, "cannot use the authorities in \(file): \(ErrorQueue().text)")
        }
    }

    private func use(_ identity: Identity) throws(TLSError) {
        guard SSL_CTX_use_certificate_chain_file(raw, identity.certificate) == 1 else {
            throw TLSError(
                .fileInvalid, "cannot use the certificate \(identity.certificate): \(ErrorQueue().text)")
        }
        guard SSL_CTX_use_PrivateKey_file(raw, identity.key, SSL_FILETYPE_PEM) == 1,
            SSL_CTX_check_private_key(raw) == 1
        else {
            throw TLSError(
                .fileInvalid,
                "cannot use the key \(identity.key) with the certificate \(identity.certificate): \(ErrorQueue().text)"
            )
        }
    }
}
