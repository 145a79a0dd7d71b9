import EngineClient
import OCIModel

/// Why a command ended without success.
struct CommandError: CategorizedError {
    enum Code: Sendable {
        case invalidArgument, notBuilt, daemon, environment, several
        /// Something that this daemon, or its operating system, does not have.
        case unsupportedByDaemon
    }

    let code: Code
    let message: String
    let exitCode: Int32
    /// Whether a hint to the command's help follows the message, and the program's name precedes it.
    let hintsAtHelp: Bool
    let cause: String?

    init(
        _ code: Code, _ message: String, exitCode: Int32 = 1, hintsAtHelp: Bool = false, cause: String? = nil
    ) {
        self.code = code
        self.message = message
        self.exitCode = exitCode
        self.hintsAtHelp = hintsAtHelp
        self.cause = cause
    }

    var category: ErrorCategory {
        switch code {
        case .invalidArgument: .invalidArgument
        case .notBuilt, .unsupportedByDaemon: .unsupported
        case .daemon, .several: .unavailable
        case .environment: .permissionDenied
        }
    }

    /// The message of any error, as a user reads it.
    static func text(of error: any Error) -> String {
        if let error = error as? EngineError {
            return error.status == nil ? error.message : "Error response from daemon: \(error.message)"
        }
        if let error = error as? any CategorizedError { return error.message }
        return "\(error)"
    }
}

/// Collects the failures of a command that works on several objects: it goes on, and reports each.
struct FailureList {
    private(set) var messages: [String] = []

    mutating func attempt(_ body: () throws -> Void) {
        do { try body() } catch { messages.append(CommandError.text(of: error)) }
    }

    mutating func append(_ message: String) { messages.append(message) }

    /// - Throws: `CommandError` with every message on a line, where there are any
    func raise() throws {
        if messages.isEmpty { return }
        throw CommandError(.several, messages.joined(separator: "\n"))
    }
}
