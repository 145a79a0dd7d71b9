package import LinuxKernel

/// Processes that run in a container besides its process 1: Docker's `/exec`.
package final class ExecService: Sendable {
    init() {}

    /// - Returns: the exec's id
    package func create(_ container: String, _ spec: ExecSpec) async throws -> String {
        throw EngineError.noSuchContainer(container)
    }

    /// Starts it without streams; returns when it runs.
    /// - Throws: `EngineError` `.commandNotFound`, `.commandNotExecutable` or what else kept it from running
    package func startDetached(_ id: String) async throws { throw EngineError.noSuchExec(id) }

    /// Checks that it may start; the edge then answers the upgrade and calls `start`.
    package func attach(_ id: String, consoleSize: TerminalSize?) async throws -> ExecReservation {
        throw EngineError.noSuchExec(id)
    }

    package func resize(_ id: String, _ size: TerminalSize) async throws { throw EngineError.noSuchExec(id) }

    /// Knows the exit code as soon as the client has seen the end of the streams.
    package func inspect(_ id: String) async throws -> ExecInspection { throw EngineError.noSuchExec(id) }
}

extension EngineError {
    static func noSuchExec(_ id: String) -> EngineError {
        EngineError(.noSuchExec, "No such exec instance: \(id)")
    }
}

/// An exec that may be started on a client's stream.
package struct ExecReservation: Sendable {
    package let terminal: Bool
    let connection: @Sendable (SharedDescriptor, [UInt8]) async throws -> Void

    /// Starts it on the client's stream, which belongs to the shim from then on. A command that cannot be run is told
    /// on the stream, as Docker does, then the stream ends; the exit code is 126 or 127.
    package func start(_ stream: SharedDescriptor, alreadyRead: [UInt8] = []) async throws {
        try await connection(stream, alreadyRead)
    }
}
