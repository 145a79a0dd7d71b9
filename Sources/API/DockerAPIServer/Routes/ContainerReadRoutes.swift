import HTTPTransport
import DockerAPI
import Engine
import JSONCodec
import OCIModel

/// What only looks: list, inspect, top.
struct ContainerReadRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [
            Endpoint(.containerList, list), Endpoint(.containerInspect, inspect),
            Endpoint(.containerTop, endsWithClient: true, top),
        ]
    }

    @Sendable private func list(_ request: Request, _ reply: Reply) async throws {
        var options = ListOptions()
        options.all = request.query.flag("all")
        options.limit = try request.integer("limit") ?? 0
        options.filters = try request.filters()
        let now = Timestamp.now
        var summaries: [JSONValue] = []
        for inspection in try engine.containers.list(options) {
            let wantsSize = request.query.flag("size")
            let size = wantsSize ? try await engine.containers.sizeIfThere(inspection.id) : nil
            let summary = ContainerSummary(inspection, size: size, now: now, version: request.version)
            summaries.append(try JSONValue(encoding: summary))
        }
        try await reply.json(.array(summaries))
    }

    @Sendable private func inspect(_ request: Request, _ reply: Reply) async throws {
        let inspection = try engine.containers.inspect(request.reference)
        let size = request.query.flag("size") ? try await engine.containers.size(inspection.id) : nil
        try await reply.json(ContainerInspect(inspection, size: size, version: request.version))
    }

    @Sendable private func top(_ request: Request, _ reply: Reply) async throws {
        let arguments = request.query["ps_args"] ?? ""
        let table = try await engine.containers.top(request.reference, arguments: arguments)
        var answer = ContainerTopResponse()
        answer.titles = table.titles
        answer.processes = table.processes
        try await reply.json(answer)
    }
}
