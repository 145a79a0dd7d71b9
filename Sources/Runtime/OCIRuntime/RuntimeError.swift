package import OCIModel

/// Why a container could not be created, started, entered, changed or removed.
package struct RuntimeError: CategorizedError, Equatable {
    package enum Code: String, Sendable, CaseIterable {
        /// The program does not exist in the container: exit status 127.
        case executableNotFound
        /// The program exists and cannot be executed: exit status 126.
        case executableNotRunnable
        case workingDirectory
        case unknownUser
        case invalidSpecification
        case unsupported
        case notFound
        /// In a state in which the operation makes no sense.
        case wrongState
        case permissionDenied
        /// A step of the set-up failed; the message names step and object.
        case setupFailed
        /// The child ended before it could say why.
        case childDied
        case hookFailed
    }

    package let code: Code
    package let message: String
    /// The kernel's error number where one was the reason, else 0.
    package let errno: Int32

    package init(_ code: Code, _ message: String, errno: Int32 = 0) {
        self.code = code
        self.message = message
        self.errno = errno
    }

    package var category: ErrorCategory {
        switch code {
        case .executableNotFound, .executableNotRunnable, .workingDirectory, .unknownUser,
            .invalidSpecification:
            .invalidArgument
        case .unsupported: .unsupported
        case .notFound: .notFound
        case .wrongState: .conflict
        case .permissionDenied: .permissionDenied
        case .setupFailed, .childDied, .hookFailed: .internal
        }
    }

    /// The exit status that Docker and shells give a command that failed in this way: 127, 126, else 125.
    package var exitStatus: Int32 {
        switch code {
        case .executableNotFound: 127
        case .executableNotRunnable: 126
        default: 125
        }
    }
}
