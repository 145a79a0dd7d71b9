import COpenSSL
import Glibc

/// One connection's TLS (RFC 8446, RFC 5246), over a socket or over memory (`TLSPipe`). Used by one thread at a time.
package final class TLSSession {
    /// How a step ended.
    package enum Outcome {
        /// So many bytes of content were taken or given.
        case done(Int)
        /// The other side has to send something first.
        case wantsInput
        /// What is to be sent has no room yet.
        case wantsOutput
        /// The other side has ended its stream, and said so.
        case ended
        /// Nothing works any more on this connection.
        case failed(TLSError)
    }

    let raw: OpaquePointer
    private let context: TLSContext

    /// - Throws: `TLSError` (`setupFailed`)
    package init(_ context: TLSContext) throws(TLSError) {
        ErrorQueue.clear()
        guard let raw = SSL_new(context.raw) else {
            throw TLSError(.setupFailed, "cannot set up TLS: \(ErrorQueue().text)")
        }
        self.raw = raw
        self.context = context
    }

    deinit { SSL_free(raw) }

    /// Lets the session read and write a socket, which has to stay open for as long as the session is used.
    package func attach(socket: Int32) { SSL_set_fd(raw, socket) }

    /// The client's part: whose certificate it has to be.
    /// - Parameter host: a name or an address
    /// - Throws: `TLSError` (`nameInvalid`)
    package func expect(host: String) throws(TLSError) {
        if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(raw), host) == 1 { return }
        guard skiff_ssl_set_server_name(raw, host) == 1, SSL_set1_host(raw, host) == 1 else {
            throw TLSError(.nameInvalid, "\(host) is no name that a certificate can have")
        }
    }

    // MARK: Steps

    package func connect() -> Outcome { step { SSL_connect($0) } }
    package func accept() -> Outcome { step { SSL_accept($0) } }

    package func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        var count = 0
        return step(&count) { SSL_read_ex($0, buffer.baseAddress, buffer.count, &$1) }
    }

    /// Whether content has come, which stays where it is; does not wait.
    package func peek() -> Outcome {
        var byte: UInt8 = 0
        var count = 0
        return step(&count) { SSL_peek_ex($0, &byte, 1, &$1) }
    }

    /// Takes as much as goes into one record, 16 KiB at most. Has to be called with the same bytes again after
    /// `wantsOutput` or `wantsInput`.
    package func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        var count = 0
        return step(&count) { SSL_write_ex($0, bytes.baseAddress, bytes.count, &$1) }
    }

    /// Tells the other side that nothing more comes. What it still sends can be read.
    package func end() -> Outcome {
        step { session in
            // 0: said, and the other side has not yet said the same.
            let result = SSL_shutdown(session)
            return result == 0 ? 1 : result
        }
    }

    private func step(_ call: (OpaquePointer) -> Int32) -> Outcome {
        var count = 0
        return step(&count) { session, _ in call(session) }
    }

    private func step(_ count: inout Int, _ call: (OpaquePointer, inout Int) -> Int32) -> Outcome {
        ErrorQueue.clear()
        while true {
            let result = call(raw, &count)
            let number = errno
            if result == 1 { return .done(count) }
            switch SSL_get_error(raw, result) {
            case SSL_ERROR_WANT_READ: return .wantsInput
            case SSL_ERROR_WANT_WRITE: return .wantsOutput
            case SSL_ERROR_ZERO_RETURN: return .ended
            case SSL_ERROR_SYSCALL where number == EINTR: continue
            case let code: return .failed(failure(code, number))
            }
        }
    }

    // MARK: State

    package var isEstablished: Bool { SSL_is_init_finished(raw) == 1 }
    /// Whether an earlier session was gone on with, without certificates and keys being shown again.
    package var isResumed: Bool { SSL_session_reused(raw) == 1 }
    /// `TLSv1.3`, …
    package var version: String { String(cString: SSL_get_version(raw)) }

    private func failure(_ code: Int32, _ number: Int32) -> TLSError {
        let queue = ErrorQueue()
        let verified = SSL_get_verify_result(raw)
        if !isEstablished, verified != Int(X509_V_OK), SSL_get_verify_mode(raw) != SSL_VERIFY_NONE {
            return TLSError(.untrusted, String(cString: X509_verify_cert_error_string(verified)))
        }
        if queue.reasons.contains(SSL_R_UNEXPECTED_EOF_WHILE_READING) {
            return TLSError(.cut, "closed by the other side")
        }
        if code == SSL_ERROR_SYSCALL {
            return number == 0
                ? TLSError(.cut, "closed by the other side")
                : TLSError(.connectionFailed, String(cString: strerror(number)))
        }
        if queue.reasons.contains(SSL_R_HTTP_REQUEST) {
            return TLSError(.notTLS, "plain HTTP instead of TLS", isPlainRequest: true)
        }
        if !isEstablished, !queue.reasons.isDisjoint(with: Self.foreign) {
            return TLSError(.notTLS, "something else than TLS: \(queue.text)")
        }
        if queue.reasons.contains(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
            return TLSError(.untrusted, "no certificate was shown")
        }
        // What the other side says in an alert has its own range of reasons.
        let isAlert = queue.reasons.contains { $0 >= SSL_AD_REASON_OFFSET }
        return TLSError(isAlert ? .refused : .protocolFailed, queue.text)
    }

    /// What OpenSSL says about bytes that are no records.
    private static let foreign: Set<Int32> = [
        SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG,
        SSL_R_RECORD_LENGTH_MISMATCH,
    ]
}
