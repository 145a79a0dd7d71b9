import HTTPTransport
import DockerAPI
import Engine

/// `POST /containers/{id}/attach`: the client's connection becomes the container's stream.
struct ContainerAttachRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.containerAttach, mayLeaveHTTP: true, attach)] }

    @Sendable private func attach(_ request: Request, _ reply: Reply) async throws {
        var options = AttachOptions()
        let streams = request.query.flag("stream")
        options.standardInput = request.query.flag("stdin") && streams
        options.standardOutput = request.query.flag("stdout")
        options.standardError = request.query.flag("stderr")
        options.follows = streams
        options.includesLogs = request.query.flag("logs")
        options.detachKeys = try DetachKeyText.parse(request.query["detachKeys"])
        let reservation = try await engine.containers.attach(request.reference, options)
        let stream = try await reply.hijack(
            contentType: ContentType.stream(
                terminal: reservation.terminal, version: request.version, hijacked: true))
        try await reservation.connect(stream.socket, alreadyRead: stream.alreadyRead)
    }
}
