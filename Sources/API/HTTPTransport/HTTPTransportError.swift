package import OCIModel

/// A failure between the socket and the requests; what a request means fails elsewhere.
package struct HTTPTransportError: CategorizedError {
    package enum Code: String, Sendable {
        case addressInvalid, listenFailed, serverThere, requestCut, tlsInvalid

        package var category: ErrorCategory {
            switch self {
            case .addressInvalid, .requestCut, .tlsInvalid: .invalidArgument
            case .listenFailed: .unavailable
            case .serverThere: .conflict
            }
        }
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package var category: ErrorCategory { code.category }

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}
