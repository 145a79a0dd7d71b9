import COpenSSL
import Glibc
import LinuxKernel

/// Whom a host's connections trust, and who they are themselves. Thread-safe once made.
final class TLSContext: @unchecked Sendable {
    let raw: OpaquePointer

    /// - Parameters:
    ///   - certificates: the host's own authorities, certificates and keys
    ///   - verifies: false for registries that were declared insecure
    /// - Throws: `RegistryError`, naming the file that does not fit
    init(_ certificates: HostCertificates, verifies: Bool) throws {
        guard let raw = SSL_CTX_new(TLS_client_method()) else {
            throw RegistryError(.internal, "cannot set up TLS: \(Self.reason())")
        }
        self.raw = raw
        guard skiff_ssl_require_tls12(raw) == 1 else {
            throw RegistryError(.internal, "cannot set up TLS: \(Self.reason())")
        }
        skiff_ssl_set_modes(raw)
        SSL_CTX_set_verify(raw, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        if verifies {
            guard SSL_CTX_set_default_verify_paths(raw) == 1 else {
                throw RegistryError(.internal, "cannot load the system's authorities: \(Self.reason())")
            }
        }
        for file in certificates.authorities {
            guard SSL_CTX_load_verify_locations(raw, file, nil) == 1 else {
                throw RegistryError(.untrusted, "cannot use the authorities in \(file): \(Self.reason())")
            }
        }
        for pair in certificates.clients {
            guard SSL_CTX_use_certificate_chain_file(raw, pair.certificate) == 1 else {
                throw RegistryError(.untrusted, "cannot use \(pair.certificate): \(Self.reason())")
            }
            guard SSL_CTX_use_PrivateKey_file(raw, pair.key, SSL_FILETYPE_PEM) == 1 else {
                throw RegistryError(.untrusted, "cannot use \(pair.key): \(Self.reason())")
            }
        }
    }

    deinit { SSL_CTX_free(raw) }

    /// The last failure on this thread; empties its queue.
    static func reason() -> String {
        var text = "unknown failure"
        while true {
            let code = ERR_get_error()
            if code == 0 { return text }
            if let reason = ERR_reason_error_string(code) { text = String(cString: reason) }
        }
    }
}

/// TLS over a TCP connection (RFC 8446, RFC 5246), blocking for its one thread.
final class TLSTransport: Transport {
    private let session: OpaquePointer
    private let context: TLSContext
    private let descriptor: SharedDescriptor
    private let peer: String
    private let interrupter: Interrupter
    private let idle: Int32

    /// Makes the handshake.
    /// - Parameter host: the name or address that the certificate has to have
    /// - Throws: `RegistryError` (`untrusted` where the handshake fails)
    init(
        _ descriptor: SharedDescriptor, context: TLSContext, host: String, peer: String,
        interrupter: Interrupter, timeouts: RegistryConfiguration.Timeouts
    ) throws {
        guard let session = SSL_new(context.raw) else {
            throw RegistryError(.internal, "cannot set up TLS: \(TLSContext.reason())")
        }
        self.session = session
        (self.context, self.descriptor, self.peer) = (context, descriptor, peer)
        (self.interrupter, idle) = (interrupter, timeouts.idle)
        SSL_set_fd(session, descriptor.rawValue)
        if !Self.setExpectedAddress(session, host) {
            guard skiff_ssl_set_server_name(session, host) == 1, SSL_set1_host(session, host) == 1 else {
                throw RegistryError(.untrusted, "\(host) is no name that a certificate can have")
            }
        }
        try handshake(timeouts.connect)
    }

    deinit { SSL_free(session) }

    /// - Returns: false where the host is a name
    private static func setExpectedAddress(_ session: OpaquePointer, _ host: String) -> Bool {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1
    }

    private func handshake(_ timeout: Int32) throws {
        while true {
            ERR_clear_error()
            let result = SSL_connect(session)
            if result == 1 { return }
            let code = SSL_get_error(session, result)
            guard code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE else {
                throw handshakeFailure(code, errno)
            }
            let events = code == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT
            try interrupter.wait(
                descriptor.rawValue, events, milliseconds: timeout, "TLS handshake with \(peer)")
        }
    }

    private func handshakeFailure(_ code: Int32, _ number: Int32) -> RegistryError {
        let verified = SSL_get_verify_result(session)
        if verified != Int(X509_V_OK), SSL_get_verify_mode(session) != SSL_VERIFY_NONE {
            let reason = String(cString: X509_verify_cert_error_string(verified))
            return RegistryError(
                .untrusted,
                "tls: failed to verify certificate of \(peer): x509: \(reason); put its authority into "
                    + "certs.d/\(peer)/ca.crt or name it in insecure-registries")
        }
        let reason = TLSContext.reason()
        if code == SSL_ERROR_SYSCALL || reason.contains("unexpected eof") {
            let text = number != 0 ? String(cString: strerror(number)) : "closed by the server"
            return RegistryError(.unavailable, "TLS handshake with \(peer): \(text)", isTransient: true)
        }
        if reason.contains("wrong version number") || reason.contains("http request")
            || reason.contains("packet length too long")
        {
            return RegistryError(.untrusted, "\(peer): http: server gave HTTP response to HTTPS client")
        }
        return RegistryError(.untrusted, "TLS handshake with \(peer): \(reason)")
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            try interrupter.check()
            ERR_clear_error()
            var count = 0
            let result = SSL_read_ex(session, buffer.baseAddress, buffer.count, &count)
            if result == 1 { return count }
            if try isAtEnd(SSL_get_error(session, result), errno) { return 0 }
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            try interrupter.check()
            ERR_clear_error()
            var count = 0
            let result = SSL_write_ex(session, rest.baseAddress, rest.count, &count)
            if result == 1 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if try isAtEnd(SSL_get_error(session, result), errno) {
                throw RegistryError(.unavailable, "\(peer) closed the connection", isTransient: true)
            }
        }
    }

    /// Waits where the session was not ready.
    /// - Returns: whether the stream has ended
    private func isAtEnd(_ code: Int32, _ number: Int32) throws -> Bool {
        switch code {
        case SSL_ERROR_ZERO_RETURN: return true
        case SSL_ERROR_WANT_READ:
            try interrupter.wait(descriptor.rawValue, POLLIN, milliseconds: idle, peer)
        case SSL_ERROR_WANT_WRITE:
            try interrupter.wait(descriptor.rawValue, POLLOUT, milliseconds: idle, peer)
        case SSL_ERROR_SYSCALL where number == EINTR: break
        case SSL_ERROR_SYSCALL:
            let reason = number != 0 ? String(cString: strerror(number)) : "unexpected EOF"
            throw RegistryError(.unavailable, "\(peer): \(reason)", isTransient: true)
        default:
            let reason = TLSContext.reason()
            // Since TLS 1.3 a server says only after the handshake that it does not take the client's certificate.
            guard reason.contains("alert") else {
                throw RegistryError(.unavailable, "\(peer): TLS: \(reason)", isTransient: true)
            }
            throw RegistryError(
                .untrusted,
                "\(peer): remote error: tls: \(reason); a client certificate belongs into certs.d/\(peer), as "
                    + "client.cert and client.key")
        }
        return false
    }

    var isQuiet: Bool {
        let (count, code) = peek()
        return count == 0 && code == SSL_ERROR_WANT_READ
    }

    var hasInput: Bool { peek().count > 0 }

    /// Through the session: what has arrived on the socket may be tickets and key updates, which are nobody's answer.
    private func peek() -> (count: Int, code: Int32) {
        ERR_clear_error()
        var byte: UInt8 = 0
        var count = 0
        let result = SSL_peek_ex(session, &byte, 1, &count)
        return (result == 1 ? count : 0, SSL_get_error(session, result))
    }
}
