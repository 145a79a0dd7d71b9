import HTTPTransport
import DockerAPI
import Engine
import JSONCodec
import OCIModel

/// Processes beside a container's first: create, start, resize, inspect.
struct ExecRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [
            Endpoint(.containerExec, create), Endpoint(.execStart, mayLeaveHTTP: true, start),
            Endpoint(.execResize, resize), Endpoint(.execInspect, inspect),
        ]
    }

    @Sendable private func create(_ request: Request, _ reply: Reply) async throws {
        let body = try request.json(ExecCreateRequest.self)
        guard let command = body.cmd?.arguments, !command.isEmpty else {
            throw APIError.badRequest("No exec command specified")
        }
        var spec = ExecSpec(command: command)
        spec.environment = body.env ?? []
        spec.user = body.user
        spec.workingDirectory = body.workingDir
        spec.terminal = body.tty
        spec.isPrivileged = body.privileged
        spec.attachStandardInput = body.attachStdin
        spec.attachStandardOutput = body.attachStdout
        spec.attachStandardError = body.attachStderr
        spec.consoleSize = Self.size(body.consoleSize)
        spec.detachKeys = try DetachKeyText.parse(body.detachKeys)
        var answer = IDResponse()
        answer.id = try await engine.execs.create(request.reference, spec)
        try await reply.json(answer, status: 201)
    }

    @Sendable private func start(_ request: Request, _ reply: Reply) async throws {
        let body = try request.json(ExecStartRequest.self)
        if body.detach {
            try await engine.execs.startDetached(request.reference)
            return try await reply.empty(200)
        }
        let size = Self.size(body.consoleSize)
        let reservation = try await engine.execs.attach(request.reference, consoleSize: size)
        let stream = try await reply.hijack(
            contentType: ContentType.stream(
                terminal: reservation.terminal, version: request.version, hijacked: true))
        try await reservation.start(stream.socket, alreadyRead: stream.alreadyRead)
    }

    /// - Parameter size: height and width
    private static func size(_ size: [UInt32]?) -> TerminalSize? {
        guard let size, size.count == 2, size != [0, 0] else { return nil }
        return TerminalSize(rows: UInt16(clamping: size[0]), columns: UInt16(clamping: size[1]))
    }

    @Sendable private func resize(_ request: Request, _ reply: Reply) async throws {
        try await engine.execs.resize(request.reference, try request.terminalSize())
        try await reply.empty(200)
    }

    @Sendable private func inspect(_ request: Request, _ reply: Reply) async throws {
        let exec = try await engine.execs.inspect(request.reference)
        var answer = ExecInspectResponse()
        answer.id = exec.id
        answer.running = exec.isRunning
        answer.exitCode = exec.exitCode.map(Int.init)
        answer.processConfig.tty = exec.spec.terminal
        answer.processConfig.entrypoint = exec.spec.command.first ?? ""
        answer.processConfig.arguments = Array(exec.spec.command.dropFirst())
        answer.processConfig.privileged = exec.spec.isPrivileged
        answer.processConfig.user = exec.spec.user
        answer.openStdin = exec.spec.attachStandardInput
        answer.openStdout = exec.spec.attachStandardOutput
        answer.openStderr = exec.spec.attachStandardError
        answer.canRemove = exec.canRemove
        answer.containerID = exec.containerID
        answer.detachKeys = Base64.encode(exec.spec.detachKeys)
        answer.pid = Int(exec.pid)
        try await reply.json(answer)
    }
}
