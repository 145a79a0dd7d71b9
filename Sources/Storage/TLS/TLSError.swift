import COpenSSL
package import OCIModel

/// A failure of TLS: of its files, of a handshake, of a connection. The message is a reason, without the name of the other
/// side, which only the caller knows.
package struct TLSError: CategorizedError {
    package enum Code: String, Sendable {
        /// OpenSSL cannot be set up: memory, or a configuration of the system's that it refuses.
        case setupFailed
        /// A certificate, key or list of authorities that is not there or cannot be used.
        case fileInvalid
        /// A name that no certificate can have.
        case nameInvalid
        /// The other side's certificate is not trusted, or it showed none.
        case untrusted
        /// The other side does not speak TLS.
        case notTLS
        /// No agreement was reached, or what the other side sent was damaged.
        case protocolFailed
        /// The other side ends the connection and says why (an alert).
        case refused
        /// The connection ended without TLS's own end: something may be missing.
        case cut
        /// The connection under it failed.
        case connectionFailed
    }

    package let code: Code
    package let message: String
    /// Whether the other side sent a request of plain HTTP.
    package let isPlainRequest: Bool

    package init(_ code: Code, _ message: String, isPlainRequest: Bool = false) {
        self.code = code
        self.message = message
        self.isPlainRequest = isPlainRequest
    }

    package var category: ErrorCategory {
        switch code {
        case .setupFailed: .internal
        case .fileInvalid, .nameInvalid: .invalidArgument
        case .untrusted, .refused: .permissionDenied
        case .notTLS, .protocolFailed, .cut, .connectionFailed: .unavailable
        }
    }
}

/// What OpenSSL's calls of this thread have left about their failures.
struct ErrorQueue {
    private(set) var text = "unknown failure"
    private(set) var reasons: Set<Int32> = []

    /// Takes everything out of the queue. The last entry is the most particular.
    init() {
        while true {
            let code = ERR_get_error()
            if code == 0 { return }
            reasons.insert(ERR_GET_REASON(code))
            if let reason = ERR_reason_error_string(code) { text = String(cString: reason) }
        }
    }

    /// Before a call: what others left is not taken for its own.
    static func clear() { ERR_clear_error() }
}
