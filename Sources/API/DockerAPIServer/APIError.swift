package import OCIModel

/// A failure that this edge itself finds; everything else comes from the engine with its category.
package struct APIError: CategorizedError {
    package enum Code: String, Sendable {
        case badRequest, pageNotFound, notBuilt, configurationInvalid

        package var category: ErrorCategory {
            switch self {
            case .badRequest, .configurationInvalid: .invalidArgument
            case .pageNotFound: .notFound
            case .notBuilt: .unsupported
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

    static func badRequest(_ message: String) -> APIError { APIError(.badRequest, message) }

    /// - Parameter field: the name that the API gives it
    static func notBuilt(_ field: String) -> APIError {
        APIError(.notBuilt, "\(field) is not supported yet by this version of Skiff")
    }
}

extension ErrorCategory {
    /// The one place where a failure becomes a status.
    var httpStatus: Int {
        switch self {
        case .notFound: 404
        case .conflict: 409
        case .invalidArgument: 400
        case .unsupported: 501
        case .permissionDenied: 403
        case .unavailable: 503
        case .exhausted, .timedOut, .cancelled, .corrupted, .internal: 500
        }
    }
}
