import HTTPTransport
import DockerAPI
import Engine

/// Skiff's own: ports of a container that exists, running or not, are published and taken back.
struct PortChangeRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [Endpoint(.containerPortAdd, add), Endpoint(.containerPortRemove, remove)]
    }

    @Sendable private func add(_ request: Request, _ reply: Reply) async throws {
        let body = try request.json(PortChangeRequest.self)
        let publications = try NetworkSpec.publications(body.portBindings ?? [:])
        try Self.require(!publications.isEmpty)
        try await engine.containers.addPorts(request.reference, publications)
        try await answer(request, reply)
    }

    @Sendable private func remove(_ request: Request, _ reply: Reply) async throws {
        let body = try request.json(PortChangeRequest.self)
        var publications = try NetworkSpec.publications(body.portBindings ?? [:])
        // A port without bindings is every one of its publications here.
        for (text, bindings) in (body.portBindings ?? [:]).sorted(by: { $0.key < $1.key })
        where (bindings ?? []).isEmpty {
            publications.append(PortPublication(port: try ContainerSpec.containerPort(text), bindings: []))
        }
        try Self.require(!publications.isEmpty)
        try await engine.containers.removePorts(request.reference, publications)
        try await answer(request, reply)
    }

    private static func require(_ isNamed: Bool) throws(APIError) {
        if !isNamed {
            throw .badRequest("PortBindings names no port, such as {\"80/tcp\":[{\"HostPort\":\"8080\"}]}")
        }
    }

    private func answer(_ request: Request, _ reply: Reply) async throws {
        let inspection = try engine.containers.inspect(request.reference)
        var answer = PortChangeResponse()
        answer.ports = NetworkSettings(inspection, version: request.version).ports
        try await reply.json(answer)
    }
}
