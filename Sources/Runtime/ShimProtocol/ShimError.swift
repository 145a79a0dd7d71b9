package import OCIModel

/// A failure of the conversation between daemon and shim, or one that the shim reports to the daemon.
package struct ShimError: CategorizedError, Equatable {
    /// What failed, closed: each maps to one category.
    package enum Code: String, Sendable, CaseIterable {
        /// Bytes that are no frame, JSON that is no message, fields of a wrong type.
        case malformedMessage
        /// A field or an operation that this shim does not know.
        case unsupported
        /// The other side has closed the connection or is gone.
        case disconnected
        /// A system call failed on the connection or a file.
        case inputOutput
        /// The operation does not fit the container's state (resize of an ended exec, a second start).
        case wrongState
        /// There is no such exec session or attach stream.
        case notFound
        /// An identifier is in use already, or the snapshot is in use by another shim.
        case conflict
        /// A value that cannot be used, such as a malformed user or detach key sequence.
        case invalidValue
        /// The container's program could not be started (not found, not executable).
        case cannotStart
        /// Not permitted by the kernel or the shim.
        case notPermitted
        /// A limit was reached: descriptors, processes, disk space.
        case exhausted
        /// The operation took too long.
        case timedOut
        /// A bug in Skiff.
        case `internal`
    }

    package let code: Code
    package let message: String
    /// What `docker run`/`exec` exit with because of this error: 125, 126 or 127; nil where it decides nothing.
    package let exitCode: Int32?

    package init(_ code: Code, _ message: String, exitCode: Int32? = nil) {
        self.code = code
        self.message = message
        self.exitCode = exitCode
    }

    package var category: ErrorCategory {
        switch code {
        case .malformedMessage: .internal
        case .unsupported: .unsupported
        case .disconnected: .unavailable
        case .inputOutput: .internal
        case .wrongState, .conflict: .conflict
        case .notFound: .notFound
        case .invalidValue, .cannotStart: .invalidArgument
        case .notPermitted: .permissionDenied
        case .exhausted: .exhausted
        case .timedOut: .timedOut
        case .internal: .internal
        }
    }
}
