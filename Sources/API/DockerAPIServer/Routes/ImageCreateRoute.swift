import HTTPTransport
import DockerAPI
import Engine
import ImageStore
import OCIModel

/// `POST /images/create`: import of a root filesystem. Pulls are refused until registries are built.
struct ImageCreateRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.imageCreate, body: .stream, create)] }

    @Sendable private func create(_ request: Request, _ reply: Reply) async throws {
        if let name = request.query["fromImage"], !name.isEmpty {
            throw try Self.refusedPull(name, request.query["tag"])
        }
        guard let source = request.query["fromSrc"], !source.isEmpty else {
            throw APIError.badRequest("neither fromImage nor fromSrc was given")
        }
        guard source == "-" else {
            throw APIError.notBuilt("importing from a URL (fromSrc=\(source)): fetch it and pass it as '-',")
        }
        let body = try request.stream()
        let id = try await engine.images.importRootFilesystem(
            from: { RequestBodySource(body) }, reference: Self.reference(request.query),
            message: request.query["message"] ?? "", changes: request.query.all("changes"),
            platform: try Self.platform(request.query["platform"]), origin: nil)
        let stream = try await reply.stream("application/json")
        var line = StreamMessage()
        line.status = id.description
        try await stream.line(line, end: "\r\n")
        try await stream.finish()
    }

    private static func reference(_ query: Query) -> String? {
        guard let repository = query["repo"], !repository.isEmpty else { return nil }
        guard let tag = query["tag"], !tag.isEmpty else { return repository }
        return "\(repository):\(tag)"
    }

    private static func platform(_ text: String?) throws -> Platform? {
        guard let text, !text.isEmpty else { return nil }
        guard let platform = Platform(text) else {
            throw APIError.badRequest("invalid platform: \"\(text)\"")
        }
        return platform
    }

    /// In the words that clients know for an image that is nowhere, so that they say so and stop.
    private static func refusedPull(_ name: String, _ tag: String?) throws -> EngineError {
        let reference =
            switch tag {
            case nil, "": name
            case .some(let tag) where tag.contains(":"): "\(name)@\(tag)"
            case .some(let tag): "\(name):\(tag)"
            }
        return EngineError(
            .noSuchImage,
            "No such image: \(try Reference(reference).familiar) (this version of Skiff does not pull from registries yet: use 'load' or 'import')"
        )
    }
}
