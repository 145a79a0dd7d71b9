/// What kind of failure an error is, whichever library threw it. One table per edge turns a category into an HTTP
/// status, a gRPC code or an exit code.
package enum ErrorCategory: String, Sendable, Codable, CaseIterable {
    case notFound, conflict, invalidArgument, unsupported, permissionDenied, exhausted, unavailable, timedOut
    case cancelled, corrupted
    /// A bug in Skiff.
    case `internal`
}

/// An error that an edge can report: it names the object, the operation and what to do next.
package protocol CategorizedError: Error, CustomStringConvertible, Sendable {
    var category: ErrorCategory { get }
    var message: String { get }
}

extension CategorizedError {
    package var description: String { message }
}
