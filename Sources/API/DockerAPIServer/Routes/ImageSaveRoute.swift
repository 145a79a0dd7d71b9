import HTTPTransport
import DockerAPI
import Engine
import ImageStore
import Synchronization

/// `GET /images/{name}/get` and `GET /images/get?names=…`.
struct ImageSaveRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [Endpoint(.imageGet, endsWithClient: true, save), Endpoint(.imageGetAll, endsWithClient: true, save)]
    }

    @Sendable private func save(_ request: Request, _ reply: Reply) async throws {
        let platform = try request.platform()
        let names = request.parameters.isEmpty ? request.query.all("names") : [request.reference]
        guard !names.isEmpty, !names.contains("") else {
            throw APIError.badRequest("no image name was given (names)")
        }
        try await engine.images.save(names, platform: platform) { ResponseSink(reply) }
        try await StreamReply(writer: reply.writer).finish()
    }
}

/// Sends an archive from the thread that writes it; the answer begins with the first byte.
final class ResponseSink: ByteSink {
    private let reply: Reply
    private let contentType: String
    private let fields: [(name: String, value: String)]
    private var hasStarted = false

    init(
        _ reply: Reply, _ contentType: String = "application/x-tar",
        _ fields: [(name: String, value: String)] = []
    ) {
        self.reply = reply
        self.contentType = contentType
        self.fields = fields
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        if !hasStarted {
            _ = try reply.streamBlocking(contentType, fields)
            hasStarted = true
        }
        try reply.writer.writeBlocking(bytes)
    }
}
