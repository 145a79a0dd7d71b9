import HTTPTransport
import Logging
import NIOCore

/// Answers `/metrics`, on an address of its own.
struct MetricsService: RequestService {
    let registry: Registry

    func plan(_ head: RequestHead) -> RequestPlan {
        RequestPlan { _, writer in
            let response = await answer(head)
            // A scraper that is gone asks again.
            try? await writer.send(response)
        }
    }

    private func answer(_ head: RequestHead) async -> Response {
        guard head.method == "GET", head.target.prefix(while: { $0 != "?" }) == "/metrics" else {
            return .refusal(RegistryError(.pageNotFound, "only GET /metrics is here"))
        }
        do {
            let stored = try await registry.blocking { try $0.totalBytes() }
            let text = registry.metrics.text(stored: stored, uploads: registry.store.uploads.count)
            return Response(
                status: 200, fields: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
                body: ByteBuffer(string: text))
        } catch {
            registry.logger.error("metrics failed", metadata: ["error": "\(error)"])
            return .refusal(RegistryError(.internal, "internal error: the registry's log says what"))
        }
    }

    func refusal(_ error: HTTPSyntaxError) -> Response {
        Response(status: error.status, body: ByteBuffer(string: error.reason))
    }
}
