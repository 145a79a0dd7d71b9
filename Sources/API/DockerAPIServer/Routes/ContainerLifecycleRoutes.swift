import HTTPTransport
import DockerAPI
import Engine
import NIOCore
import ShimProtocol

/// What changes a container's state: start, stop, restart, kill, pause, unpause, rename, resize, remove.
struct ContainerLifecycleRoutes: EndpointGroup {
    let engine: Engine

    private var containers: ContainerService { engine.containers }

    var endpoints: [Endpoint] {
        [
            Endpoint(.containerStart, start), Endpoint(.containerStop, stop),
            Endpoint(.containerRestart, restart),
            Endpoint(.containerKill, kill), Endpoint(.containerPause, pause),
            Endpoint(.containerUnpause, unpause),
            Endpoint(.containerRename, rename), Endpoint(.containerResize, resize),
            Endpoint(.containerDelete, remove),
        ]
    }

    @Sendable private func start(_ request: Request, _ reply: Reply) async throws {
        if case .collected(let body) = request.body, body.readableBytes > 2 {
            throw APIError.badRequest(
                "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24"
            )
        }
        let keys = try DetachKeyText.parse(request.query["detachKeys"])
        try await answer(try await containers.start(request.reference, detachKeys: keys), reply)
    }

    @Sendable private func stop(_ request: Request, _ reply: Reply) async throws {
        let change = try await containers.stop(
            request.reference, signal: signal(request), timeout: try request.integer("t"))
        try await answer(change, reply)
    }

    @Sendable private func restart(_ request: Request, _ reply: Reply) async throws {
        try await containers.restart(
            request.reference, signal: signal(request), timeout: try request.integer("t"))
        try await reply.empty()
    }

    @Sendable private func kill(_ request: Request, _ reply: Reply) async throws {
        try await containers.kill(request.reference, signal: signal(request))
        try await reply.empty()
    }

    @Sendable private func pause(_ request: Request, _ reply: Reply) async throws {
        try await containers.pause(request.reference)
        try await reply.empty()
    }

    @Sendable private func unpause(_ request: Request, _ reply: Reply) async throws {
        try await containers.unpause(request.reference)
        try await reply.empty()
    }

    @Sendable private func rename(_ request: Request, _ reply: Reply) async throws {
        try await containers.rename(request.reference, to: request.query["name"] ?? "")
        try await reply.empty()
    }

    @Sendable private func resize(_ request: Request, _ reply: Reply) async throws {
        try await containers.resize(request.reference, try request.terminalSize())
        try await reply.empty(200)
    }

    @Sendable private func remove(_ request: Request, _ reply: Reply) async throws {
        if request.query.flag("link") {
            try await containers.removeLink(request.reference)
            return try await reply.empty()
        }
        try await containers.remove(
            request.reference,
            RemoveOptions(force: request.query.flag("force"), volumes: request.query.flag("v")))
        try await reply.empty()
    }

    private func answer(_ change: StateChange, _ reply: Reply) async throws {
        try await reply.empty(change == .changed ? 204 : 304)
    }

    private func signal(_ request: Request) -> String? {
        request.query["signal"].flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// The `detachKeys` parameter.
enum DetachKeyText {
    /// - Returns: the bytes; empty for the default sequence
    static func parse(_ text: String?) throws -> [UInt8] {
        guard let text, !text.isEmpty else { return [] }
        do {
            return try DetachKeys.parse(text)
        } catch {
            throw APIError.badRequest("Invalid detach keys (\(text)) provided")
        }
    }
}

extension Request {
    /// The `h` and `w` parameters.
    func terminalSize() throws -> TerminalSize {
        guard let rows = UInt16(query["h"] ?? ""), let columns = UInt16(query["w"] ?? "") else {
            throw APIError.badRequest(
                "invalid resize height or width: h and w have to be numbers from 0 to 65535")
        }
        return TerminalSize(rows: rows, columns: columns)
    }
}
