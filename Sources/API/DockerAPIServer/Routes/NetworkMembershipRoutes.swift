import HTTPTransport
import DockerAPI
import Engine

/// `POST /networks/{id}/connect` and `…/disconnect`.
struct NetworkMembershipRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [Endpoint(.networkConnect, connect), Endpoint(.networkDisconnect, disconnect)]
    }

    @Sendable private func connect(_ request: Request, _ reply: Reply) async throws {
        let body = try request.json(NetworkConnectRequest.self)
        try Self.requireName(body.container)
        let connection = NetworkConnection(
            name: request.reference, body.endpointConfig ?? EndpointSettings(), version: request.version)
        try await engine.networks.connect(request.reference, container: body.container, connection)
        try await reply.empty(200)
    }

    @Sendable private func disconnect(_ request: Request, _ reply: Reply) async throws {
        let body = try request.json(NetworkDisconnectRequest.self)
        try Self.requireName(body.container)
        try await engine.networks.disconnect(
            request.reference, container: body.container, force: body.force)
        try await reply.empty(200)
    }

    private static func requireName(_ container: String) throws(APIError) {
        if container.isEmpty { throw .badRequest("invalid name or ID supplied: \"\"") }
    }
}
