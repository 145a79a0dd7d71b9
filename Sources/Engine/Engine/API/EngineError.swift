package import OCIModel

/// A failure of the engine's services.
package struct EngineError: CategorizedError {
    package enum Code: String, Sendable, Codable {
        case noSuchContainer, noSuchExec, noSuchImage, noSuchNetwork, noSuchVolume
        case ambiguousReference, nameInUse, invalidParameter, notBuilt, wrongState, alreadyInState
        case imageInUse, volumeInUse, noCluster, portInUse, mountSourceMissing
        case commandNotFound, commandNotExecutable
        case startFailed, shimLost, rootInUse, stateCorrupted, timedOut, cancelled, systemCallFailed,
            engineBug

        package var category: ErrorCategory {
            switch self {
            case .noSuchContainer, .noSuchExec, .noSuchImage, .noSuchNetwork, .noSuchVolume: .notFound
            case .nameInUse, .wrongState, .imageInUse, .volumeInUse: .conflict
            case .ambiguousReference, .invalidParameter, .mountSourceMissing: .invalidArgument
            case .commandNotFound, .commandNotExecutable: .invalidArgument
            case .notBuilt: .unsupported
            case .alreadyInState: .conflict
            case .portInUse, .rootInUse: .exhausted
            case .shimLost, .noCluster: .unavailable
            case .stateCorrupted: .corrupted
            case .timedOut: .timedOut
            case .cancelled: .cancelled
            case .startFailed, .systemCallFailed, .engineBug: .internal
            }
        }
    }

    package let code: Code
    package let message: String
    /// What a lower library said, kept for the log.
    package let cause: (any Error)?

    private let categoryOverride: ErrorCategory?

    package var category: ErrorCategory { categoryOverride ?? code.category }

    /// - Parameter category: a lower library's category where it is more precise than the code's own
    package init(_ code: Code, _ message: String, cause: (any Error)? = nil, category: ErrorCategory? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        categoryOverride = category
    }
}

extension EngineError {
    static func noSuchContainer(_ reference: String) -> EngineError {
        EngineError(.noSuchContainer, "No such container: \(reference)")
    }

    static func invalid(_ message: String) -> EngineError { EngineError(.invalidParameter, message) }

    /// For what the API can express and this version cannot do; `field` is Docker's name of it.
    package static func notBuilt(_ field: String) -> EngineError {
        EngineError(.notBuilt, "\(field) is not supported by this version of Skiff")
    }
}
