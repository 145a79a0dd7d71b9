package import OCIModel

/// A failure of the image store.
package struct ImageError: CategorizedError {
    package enum Code: String, Sendable {
        case imageNotFound, layerNotFound
        /// An id prefix that fits several images.
        case ambiguousIdentifier
        /// A name that is no reference, a filter that does not exist, a bad `--change`.
        case invalidArgument
        /// The image is in use, or has several names.
        case conflict
        /// An archive that is none, is truncated, or whose content does not have the digest that it claims.
        case corruptedArchive
        /// A layer that leads out of its root, or that no file system can hold.
        case invalidLayer
        /// The store's own files are not what was recorded.
        case corruptedStore
        case unsupported
        /// The disk is full, or another resource is used up.
        case exhausted
        /// A file system that is mounted for reading, or that lets nobody write.
        case accessDenied
        case cancelled
        /// A system call on the store's own files failed.
        case input
        case `internal`
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var category: ErrorCategory {
        switch code {
        case .imageNotFound, .layerNotFound: .notFound
        case .ambiguousIdentifier, .invalidArgument: .invalidArgument
        case .conflict: .conflict
        case .corruptedArchive, .invalidLayer: .invalidArgument
        case .corruptedStore: .corrupted
        case .unsupported: .unsupported
        case .exhausted: .exhausted
        case .accessDenied: .permissionDenied
        case .cancelled: .cancelled
        case .input: .unavailable
        case .internal: .internal
        }
    }
}
