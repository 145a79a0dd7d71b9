package import OCIModel

/// Why a request to the engine failed.
package struct EngineError: CategorizedError {
    package enum Code: Sendable {
        case invalidAddress, unreachable, accessDenied, malformedResponse, connectionLost, unsupported
        /// Nobody reads what the answer is printed to (`EngineConnection.reader`).
        case readerGone
        /// The daemon's answer was an error; the status says which.
        case refused
        /// The daemon speaks only older versions of the API. The client has adopted the daemon's version:
        /// build the request again for it.
        case versionTooNew
    }

    package let code: Code
    package let message: String
    /// The HTTP status of the daemon's answer; nil where there was none.
    package let status: Int?
    package let cause: String?

    package init(_ code: Code, _ message: String, status: Int? = nil, cause: String? = nil) {
        self.code = code
        self.message = message
        self.status = status
        self.cause = cause
    }

    package var category: ErrorCategory {
        switch code {
        case .invalidAddress: .invalidArgument
        case .unreachable, .connectionLost: .unavailable
        case .readerGone: .cancelled
        case .accessDenied: .permissionDenied
        case .malformedResponse: .corrupted
        case .unsupported, .versionTooNew: .unsupported
        case .refused: Self.category(ofStatus: status ?? 500)
        }
    }

    private static func category(ofStatus status: Int) -> ErrorCategory {
        switch status {
        case 400: .invalidArgument
        case 401, 403: .permissionDenied
        case 404: .notFound
        case 409, 304: .conflict
        case 501: .unsupported
        case 503: .unavailable
        default: .internal
        }
    }
}
