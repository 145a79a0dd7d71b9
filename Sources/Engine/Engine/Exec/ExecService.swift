package import LinuxKernel
import OCIModel
import ShimProtocol

/// Processes that run in a container besides its process 1: Docker's `/exec`.
package final class ExecService: Sendable {
    private let parts: EngineParts
    /// Milliseconds that an inspection waits for a shim that does not answer.
    private static let patience: Int64 = 200

    init(_ parts: EngineParts) { self.parts = parts }

    /// - Returns: the exec's id
    package func create(_ reference: String, _ spec: ExecSpec) async throws -> String {
        let container = try parts.registry.find(reference)
        try requireRunning(container)
        guard !spec.command.isEmpty, spec.command != [""] else {
            throw EngineError.invalid("No exec command specified")
        }
        guard spec.workingDirectory.isEmpty || spec.workingDirectory.hasPrefix("/") else {
            throw EngineError.invalid(
                "OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd "
                    + "(\"\(spec.workingDirectory)\") set in config.json failed: not an absolute path")
        }
        let record = ExecRecord(id: randomID(), containerID: container.id, spec: spec)
        let forgotten = parts.execs.add(record)
        try await parts.database.commit(.processCrash) { [save = try ContainerTable.save(record)] database in
            try save(database)
            for id in forgotten { try ContainerTable.deleteExec(id)(database) }
        }
        container.publish(
            "exec_create: \(spec.commandText)", ["execID": record.id])
        return record.id
    }

    private func requireRunning(_ container: Container) throws(EngineError) {
        try container.requireNotRestarting()
        switch container.state {
        case .running: return
        case .paused:
            throw EngineError(
                .wrongState, "Container \(container.id) is paused, unpause the container before exec")
        default: throw EngineError(.wrongState, "Container \(container.id) is not running")
        }
    }

    /// Starts it without streams; returns when it runs.
    /// - Throws: `EngineError` `.commandNotFound`, `.commandNotExecutable` or what else kept it from running
    package func startDetached(_ id: String) async throws {
        let (record, container) = try claim(id)
        try await run(record, container, [], record.spec.consoleSize)
    }

    /// Checks that it may start; the edge then answers the upgrade and calls `start`.
    package func attach(_ id: String, consoleSize: TerminalSize?) async throws -> ExecReservation {
        let record = try parts.execs.find(id)
        let container = try parts.registry.find(record.containerID)
        try requireRunning(container)
        guard !record.hasStarted else { throw Self.alreadyRun(record) }
        return ExecReservation(terminal: record.spec.terminal) { [self] stream, alreadyRead in
            let (record, container) = try claim(id)
            let request = Self.attachment(record, stream, alreadyRead)
            do {
                try await run(record, container, [request], consoleSize ?? record.spec.consoleSize)
            } catch {
                tell(stream, record, error)
            }
        }
    }

    private static func attachment(
        _ record: ExecRecord, _ stream: SharedDescriptor, _ alreadyRead: [UInt8]
    ) -> AttachRequest {
        AttachRequest(
            id: randomID(), execID: record.id, stdin: record.spec.attachStandardInput,
            stdout: record.spec.attachStandardOutput, stderr: record.spec.attachStandardError,
            detachKeys: record.spec.detachKeys.isEmpty ? DetachKeys.standard : record.spec.detachKeys,
            buffered: alreadyRead, socket: stream)
    }

    private func claim(_ id: String) throws(EngineError) -> (ExecRecord, Container) {
        let record = try parts.execs.find(id)
        let container = try parts.registry.find(record.containerID)
        try requireRunning(container)
        guard let claimed = parts.execs.claim(record.id) else { throw Self.alreadyRun(record) }
        return (claimed, container)
    }

    private static func alreadyRun(_ record: ExecRecord) -> EngineError {
        record.exitCode == nil
            ? EngineError(.wrongState, "Error: Exec command \(record.id) is already running")
            : EngineError(.wrongState, "Error: Exec command \(record.id) has already run")
    }

    private func run(
        _ record: ExecRecord, _ container: Container, _ attachments: [AttachRequest], _ size: TerminalSize?
    ) async throws {
        container.publish("exec_start: \(record.spec.commandText)", ["execID": record.id])
        do {
            try await container.exec(record, attachments, size)
        } catch {
            let failure = StartFailure(error)
            // Nothing but a missing program is told from the rest, as in Docker.
            let code: Int32 = failure.exitCode == 127 ? 127 : 126
            parts.execs.failed(record.id, code: code)
            container.publish("exec_die", ["execID": record.id, "exitCode": "\(code)"])
            throw failure.error
        }
    }

    /// After the upgrade there is no status left to answer with: the client reads the failure from its stream.
    private func tell(_ stream: SharedDescriptor, _ record: ExecRecord, _ error: any Error) {
        let message = Array("\((error as? any CategorizedError)?.message ?? "\(error)")\r\n".utf8)
        let isRaw = record.spec.terminal
        ClientStream.finish(stream, with: isRaw ? message : ClientStream.frame(.standardOutput, message))
    }

    package func resize(_ id: String, _ size: TerminalSize) async throws {
        let record = try parts.execs.find(id)
        let container = try parts.registry.find(record.containerID)
        guard record.hasStarted, record.exitCode == nil else {
            throw EngineError(.wrongState, "Exec \(id) is not running")
        }
        let session = try await container.requireSession()
        guard record.spec.terminal else { return }
        try await container.ask(
            session, .resize(execID: record.id, width: size.columns, height: size.rows))
    }

    /// Knows the exit code as soon as the client has seen the end of the streams.
    package func inspect(_ id: String) async throws -> ExecInspection {
        var record = try parts.execs.find(id)
        if record.hasStarted, record.exitCode == nil { record = await settled(record) }
        return ExecInspection(
            id: record.id, containerID: record.containerID, spec: record.spec,
            isRunning: record.hasStarted && record.exitCode == nil, exitCode: record.exitCode,
            pid: record.pid,
            canRemove: record.exitCode != nil)
    }

    /// The shim reports the end before it closes the streams, so an answer from it comes behind the report.
    private func settled(_ record: ExecRecord) async -> ExecRecord {
        guard let container = try? parts.registry.find(record.containerID),
            let session = try? await container.requireSession()
        else { return record }
        let answered = OneShot<Void>()
        let question = Task {
            _ = try? await session.request(.state, seconds: 5)
            answered.fulfil(())
        }
        _ = try? await answered.wait(milliseconds: Self.patience, on: parts.reactor)
        question.cancel()
        return parts.execs.current(record.id) ?? record
    }
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
