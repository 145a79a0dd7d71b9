import OCIModel
import ShimProtocol

extension Container {
    /// Runs a further process. Not behind the gate: a stop that waits must not hold it up.
    func exec(_ record: ExecRecord, _ attachments: [AttachRequest], _ size: TerminalSize?) async throws {
        let session = try requireSession()
        let request = try await execRequest(record, attachments, size)
        let reply: ShimReply
        do {
            reply = try await ask(session, .exec(request), seconds: 120)
        } catch let error as ShimError where error.code == .wrongState {
            throw EngineError(.wrongState, "Container \(id) is not running", cause: error)
        }
        guard case .execStarted(let pid) = reply else {
            throw ShimError(.malformedMessage, "the shim answered exec with something else")
        }
        parts.execs.started(record.id, pid: pid)
    }

    private func execRequest(
        _ record: ExecRecord, _ attachments: [AttachRequest], _ size: TerminalSize?
    ) async throws -> ExecRequest {
        let inputs = SpecInputs(
            id: id, spec: spec, hostname: spec.network.hostname, mounts: [], features: parts.features,
            configuration: parts.configuration, sharedMemory: .none)
        let builder = try SpecBuilder(inputs)
        var process = try builder.execProcess(record.spec)
        if let size, record.spec.terminal, size.rows > 0, size.columns > 0 {
            process.consoleSize = .init(height: size.rows, width: size.columns)
        }
        var request = ExecRequest(execID: record.id, process: process)
        request.user = record.spec.user.isEmpty ? spec.process.user : record.spec.user
        request.groupAdd = spec.process.additionalGroups
        request.openStdin = record.spec.attachStandardInput
        let programs = parts.seccomp
        let wanted = try builder.seccomp(privileged: record.spec.isPrivileged)
        request.seccompProgram = try await parts.pool.run { try programs.program(for: wanted) }
        request.attachments = attachments
        return request
    }
}
