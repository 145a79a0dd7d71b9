import HTTPTransport
import DockerAPI
import Engine
import OCIModel

/// `GET /events`.
struct EventsRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.systemEvents, endsWithClient: true, events)] }

    @Sendable private func events(_ request: Request, _ reply: Reply) async throws {
        let since = try time("since", request)
        let until = try time("until", request)
        if let since, let until, until < since {
            throw APIError.badRequest("`since` time (\(since)) cannot be after `until` time (\(until))")
        }
        let sequence = try engine.events.subscribe(since: since, until: until, filters: try request.filters())
        let stream = try await reply.stream("application/json")
        for await event in sequence { try await stream.line(EventMessage(event)) }
        try Task.checkCancellation()
        try await stream.finish()
    }

    /// Here zero is a time, too: that of 1970.
    private func time(_ name: String, _ request: Request) throws -> Timestamp? {
        request.query[name] == "0"
            ? Timestamp(seconds: 0) : try TimeText.parse(request.query[name], name: name)
    }
}

extension EventMessage {
    init(_ event: EngineEvent) {
        self.init()
        // The first three are of the times before 1.22; clients still read them.
        switch event.kind {
        case .container:
            status = event.action
            id = event.actorID
            from = event.attributes["image"] ?? ""
        case .image:
            status = event.action
            id = event.actorID
        default: break
        }
        type = event.kind.rawValue
        action = event.action
        actor.id = event.actorID
        actor.attributes = event.attributes
        scope = "local"
        time = event.time.seconds
        timeNano = event.time.totalNanoseconds
    }
}
