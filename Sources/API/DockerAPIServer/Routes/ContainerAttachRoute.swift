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
        let type = ContentType.stream(
            terminal: reservation.terminal, version: request.version, hijacked: true)
        if reservation.isLive { return try await join(reservation, type, reply) }
        let stream = try await reply.hijack(contentType: type)
        try await reservation.connect(stream.socket, alreadyRead: stream.alreadyRead)
    }

    /// The client of a container that runs is answered when it is attached: it misses nothing that comes after the
    /// answer, even of a container that ends at once. The field tells it so.
    private func join(_ reservation: AttachReservation, _ type: String, _ reply: Reply) async throws {
        let released = try await reply.release(contentType: type, [("Skiff-Attached", "live")])
        try await reservation.join(
            released.stream.socket, alreadyRead: released.stream.alreadyRead, answer: released.answer,
            refusal: { reply.refusal($0) })
    }
}
