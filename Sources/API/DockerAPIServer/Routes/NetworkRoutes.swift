import HTTPTransport
import DockerAPI
import Engine
import JSONCodec
import OCIModel

/// Networks: list, inspect, create, remove, prune.
struct NetworkRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [
            Endpoint(.networkList, list), Endpoint(.networkInspect, inspect),
            Endpoint(.networkCreate, create),
            Endpoint(.networkDelete, delete), Endpoint(.networkPrune, prune),
            Endpoint(.networkAudit, audit),
        ]
    }

    @Sendable private func list(_ request: Request, _ reply: Reply) async throws {
        let networks = try engine.networks.list(try request.filters()).map { network in
            var wire = NetworkResource(network, version: request.version)
            // As in Docker, where the list has not looked at the containers.
            wire.containers = [:]
            return wire
        }
        try await reply.json(networks)
    }

    @Sendable private func inspect(_ request: Request, _ reply: Reply) async throws {
        if let scope = request.query["scope"], !["", "local"].contains(scope) {
            throw EngineError(.noSuchNetwork, "network \(request.reference) not found")
        }
        let network = try engine.networks.inspect(request.reference)
        try await reply.json(NetworkResource(network, version: request.version))
    }

    @Sendable private func create(_ request: Request, _ reply: Reply) async throws {
        let body = try request.json(NetworkCreateRequest.self)
        guard ["", "local"].contains(body.scope) else {
            throw APIError.notBuilt("Scope \"\(body.scope)\": networks over several hosts")
        }
        var answer = NetworkCreateResponse()
        (answer.id, answer.warning) = try await engine.networks.create(
            body.network(version: request.version))
        try await reply.json(answer, status: 201)
    }

    @Sendable private func audit(_ request: Request, _ reply: Reply) async throws {
        try await reply.json(NetworkAuditReport(try await engine.networks.audit()))
    }

    @Sendable private func delete(_ request: Request, _ reply: Reply) async throws {
        try await engine.networks.remove(request.reference)
        try await reply.empty()
    }

    @Sendable private func prune(_ request: Request, _ reply: Reply) async throws {
        let names = try await engine.networks.prune(try request.filters())
        var answer = NetworkPruneResponse()
        answer.networksDeleted = names.isEmpty ? nil : names
        try await reply.json(answer)
    }
}
