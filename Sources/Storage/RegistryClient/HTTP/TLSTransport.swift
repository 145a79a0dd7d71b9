import Glibc
import LinuxKernel
import TLS

/// TLS over a TCP connection, blocking for its one thread.
final class TLSTransport: Transport {
    private let session: TLSSession
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
        do throws(TLSError) {
            session = try TLSSession(context)
            try session.expect(host: host)
        } catch {
            throw RegistryError(
                error.code == .nameInvalid ? .untrusted : .internal, error.message, cause: error)
        }
        (self.descriptor, self.peer) = (descriptor, peer)
        (self.interrupter, idle) = (interrupter, timeouts.idle)
        session.attach(socket: descriptor.rawValue)
        try handshake(timeouts.connect)
    }

    private func handshake(_ timeout: Int32) throws {
        let what = "TLS handshake with \(peer)"
        while true {
            switch session.connect() {
            case .done: return
            case .wantsInput:
                try interrupter.wait(descriptor.rawValue, POLLIN, milliseconds: timeout, what)
            case .wantsOutput:
                try interrupter.wait(descriptor.rawValue, POLLOUT, milliseconds: timeout, what)
            case .ended: throw Self.handshakeFailure(TLSError(.cut, "closed by the server"), peer)
            case .failed(let error): throw Self.handshakeFailure(error, peer)
            }
        }
    }

    static func handshakeFailure(_ error: TLSError, _ peer: String) -> RegistryError {
        switch error.code {
        case .untrusted:
            return RegistryError(
                .untrusted,
                "tls: failed to verify certificate of \(peer): x509: \(error.message); put its authority into "
                    + "certs.d/\(peer)/ca.crt or name it in insecure-registries", cause: error)
        case .cut:
            return RegistryError(
                .unavailable, "TLS handshake with \(peer): closed by the server", cause: error,
                isTransient: true)
        case .connectionFailed:
            return RegistryError(
                .unavailable, "TLS handshake with \(peer): \(error.message)", cause: error, isTransient: true)
        case .notTLS:
            return RegistryError(
                .untrusted, "\(peer): http: server gave HTTP response to HTTPS client", cause: error)
        case .setupFailed, .fileInvalid, .nameInvalid, .protocolFailed, .refused:
            return RegistryError(.untrusted, "TLS handshake with \(peer): \(error.message)", cause: error)
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            try interrupter.check()
            let outcome = session.read(into: buffer)
            if case .done(let count) = outcome { return count }
            if try hasEnded(outcome) { return 0 }
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            try interrupter.check()
            let outcome = session.write(rest)
            if case .done(let count) = outcome {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if try hasEnded(outcome) {
                throw RegistryError(.unavailable, "\(peer) closed the connection", isTransient: true)
            }
        }
    }

    /// Waits where the session was not ready.
    /// - Returns: whether the stream has ended
    private func hasEnded(_ outcome: TLSSession.Outcome) throws -> Bool {
        switch outcome {
        case .done: break
        case .ended: return true
        case .wantsInput: try interrupter.wait(descriptor.rawValue, POLLIN, milliseconds: idle, peer)
        case .wantsOutput: try interrupter.wait(descriptor.rawValue, POLLOUT, milliseconds: idle, peer)
        case .failed(let error):
            throw Self.failure(error, peer)
        }
        return false
    }

    static func failure(_ error: TLSError, _ peer: String) -> RegistryError {
        switch error.code {
        case .cut: RegistryError(.unavailable, "\(peer): unexpected EOF", cause: error, isTransient: true)
        case .connectionFailed:
            RegistryError(.unavailable, "\(peer): \(error.message)", cause: error, isTransient: true)
        case .refused:
            // Since TLS 1.3 a server says only after the handshake that it does not take the client's certificate.
            RegistryError(
                .untrusted,
                "\(peer): remote error: tls: \(error.message); a client certificate belongs into certs.d/\(peer), as "
                    + "client.cert and client.key", cause: error)
        default:
            RegistryError(.unavailable, "\(peer): TLS: \(error.message)", cause: error, isTransient: true)
        }
    }

    // Through the session: what has arrived on the socket may be tickets and key updates, which are nobody's answer.

    var isQuiet: Bool { if case .wantsInput = session.peek() { true } else { false } }

    var hasInput: Bool { if case .done(let count) = session.peek() { count > 0 } else { false } }
}
