package import OCIModel

/// Why a network operation failed.
package struct NetworkError: CategorizedError {
    package enum Code: String, Sendable, CaseIterable {
        /// No network of that name or id.
        case noSuchNetwork
        /// The request contradicts itself, or an address or port is not one.
        case invalidRequest
        /// A configuration value of the daemon cannot be used.
        case invalidConfiguration
        /// Another container holds the host port.
        case portAllocated
        /// A process outside of Skiff holds the host port.
        case portInUse
        /// The host has no such address to bind to.
        case addressNotLocal
        /// Another container holds the address.
        case addressInUse
        /// Another network of that name, or with addresses of that subnet, or a host's route to it, is there.
        case networkExists
        case subnetOverlaps
        /// The network is one of the engine's own, or containers are on it.
        case networkInUse
        case predefinedNetwork
        /// The subnet or the range has no free address, or no host port of a range is free.
        case exhausted
        /// A feature that this version or kernel does not have.
        case unsupported
        /// A call to the kernel failed.
        case kernel
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
        case .noSuchNetwork: .notFound
        case .invalidRequest, .invalidConfiguration, .addressNotLocal: .invalidArgument
        case .portAllocated, .portInUse, .addressInUse, .networkExists: .conflict
        case .subnetOverlaps, .networkInUse, .predefinedNetwork: .permissionDenied
        case .exhausted: .exhausted
        case .unsupported: .unsupported
        case .kernel: .unavailable
        }
    }
}
