import HTTPTransport
import DockerAPI
import Engine

/// `POST /containers/create`.
struct ContainerCreateRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.containerCreate, create)] }

    @Sendable private func create(_ request: Request, _ reply: Reply) async throws {
        guard let body = try request.jsonIfPresent(ContainerCreateRequest.self),
            body.config != ContainerConfig()
        else {
            throw APIError.badRequest("config cannot be empty in order to create a container")
        }
        guard !body.config.image.isEmpty else {
            throw APIError.badRequest(
                body.config.cmd == nil && body.config.entrypoint == nil
                    ? "no command specified" : "no image specified: name one in Image")
        }
        let platform = request.version >= APIVersion(1, 41) ? request.query["platform"] ?? "" : ""
        let spec = try ContainerSpec(body, version: request.version, platform: platform)
        let name = request.query["name"].flatMap { $0.isEmpty ? nil : $0 }
        let created = try await engine.containers.create(spec, name: name)
        var answer = ContainerCreateResponse()
        answer.id = created.id
        answer.warnings = created.warnings
        try await reply.json(answer, status: 201)
    }
}
