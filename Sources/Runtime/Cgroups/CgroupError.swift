package import LinuxKernel
package import OCIModel

/// Why a control group could not be made, changed, read or removed.
package struct CgroupError: CategorizedError {
    package enum Code: String, Sendable {
        case notMounted, invalidPath, invalidValue, unsupported, busy, failed, notFound
    }

    package let code: Code
    package let message: String
    package let cause: SystemCallError?

    package init(_ code: Code, _ message: String, cause: SystemCallError? = nil) {
        self.code = code
        self.message = cause.map { "\(message): \($0)" } ?? message
        self.cause = cause
    }

    package var category: ErrorCategory {
        switch code {
        case .notMounted, .unsupported: .unsupported
        case .invalidPath, .invalidValue: .invalidArgument
        case .busy: .conflict
        case .failed: .internal
        case .notFound: .notFound
        }
    }
}
