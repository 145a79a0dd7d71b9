import DockerAPI
import Engine
import HTTPTransport

/// `GET /containers/{id}/stats`: one sample, or one a second until the client leaves or the container is removed.
struct ContainerStatsRoute: EndpointGroup {
    let engine: Engine

    /// Milliseconds between two samples.
    private static let interval: Int64 = 1000

    var endpoints: [Endpoint] { [Endpoint(.containerStats, endsWithClient: true, stats)] }

    @Sendable private func stats(_ request: Request, _ reply: Reply) async throws {
        let isOneShot = request.query.flag("one-shot")
        let isStream = request.query.flag("stream", default: true)
        if isStream, isOneShot {
            throw APIError.badRequest("cannot have stream=true and one-shot=true")
        }
        let first = try await engine.containers.statistics(request.reference)
        if isStream { return try await stream(first, reply) }
        guard !isOneShot, first.sample != nil else {
            return try await reply.json(ContainerStats(first, before: nil))
        }
        try await engine.containers.pause(milliseconds: Self.interval)
        let second = try await engine.containers.statistics(first.id)
        try await reply.json(ContainerStats(second, before: first.sample))
    }

    private func stream(_ first: ContainerStatistics, _ reply: Reply) async throws {
        let stream = try await reply.stream("application/json")
        var (current, before) = (first, nil as StatisticsSample?)
        while true {
            try await stream.line(ContainerStats(current, before: before))
            try await engine.containers.pause(milliseconds: Self.interval)
            guard engine.containers.exists(first.id) else { break }
            before = current.sample
            do {
                current = try await engine.containers.statistics(first.id)
            } catch let error as EngineError where error.code == .noSuchContainer {
                break
            }
        }
        try await stream.finish()
    }
}
