package import OCIModel

/// A failure of a conversation with a registry.
package struct RegistryError: CategorizedError {
    package enum Code: String, Sendable {
        /// The manifest, blob or repository does not exist there.
        case notFound
        /// No credentials, or such as the registry does not take.
        case unauthorized
        /// The credentials are good and do not suffice.
        case denied
        /// The registry asks for fewer requests.
        case rateLimited
        /// No connection could be made.
        case unreachable
        /// The connection broke, or the server has a failure of its own.
        case unavailable
        case timedOut
        /// Content that has not the digest or the length that was promised.
        case corrupted
        /// An answer that the protocol does not allow: a circle of redirects, a manifest without end.
        case invalidAnswer
        /// The server's certificate is not trusted, or the handshake failed.
        case untrusted
        case unsupported
        case invalidArgument
        case cancelled
        case `internal`
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?
    /// Whether the same request may succeed a little later.
    package let isTransient: Bool
    /// Seconds that the registry asks to wait.
    package let retryAfter: Int?

    package init(
        _ code: Code, _ message: String, cause: (any Error)? = nil, isTransient: Bool = false,
        retryAfter: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.isTransient = isTransient
        self.retryAfter = retryAfter
    }

    package var category: ErrorCategory {
        switch code {
        case .notFound: .notFound
        case .unauthorized, .denied: .permissionDenied
        case .rateLimited: .exhausted
        case .unreachable, .unavailable, .untrusted: .unavailable
        case .timedOut: .timedOut
        case .corrupted, .invalidAnswer: .corrupted
        case .unsupported: .unsupported
        case .invalidArgument: .invalidArgument
        case .cancelled: .cancelled
        case .internal: .internal
        }
    }

    /// The same failure, of which enough attempts have been made.
    var lasting: RegistryError {
        RegistryError(code, message, cause: cause, isTransient: false, retryAfter: retryAfter)
    }

    static var cancelled: RegistryError { RegistryError(.cancelled, "the operation was cancelled") }
}
