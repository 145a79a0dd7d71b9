import HTTPTransport
import DockerAPI
import Engine
import ImageStore
import OCIModel
import RegistryClient

/// `POST /images/create`: a pull, or the import of a root filesystem.
struct ImageCreateRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.imageCreate, body: .stream, endsWithClient: true, create)] }

    @Sendable private func create(_ request: Request, _ reply: Reply) async throws {
        if let name = request.query["fromImage"], !name.isEmpty {
            return try await pull(name, request, reply)
        }
        guard let source = request.query["fromSrc"], !source.isEmpty else {
            throw APIError.badRequest("neither fromImage nor fromSrc was given")
        }
        if source == "-" {
            let body = try request.stream()
            let id = try await engine.images.importRootFilesystem(
                from: { RequestBodySource(body) }, reference: Self.reference(request.query),
                message: request.query["message"] ?? "", changes: request.query.all("changes"),
                platform: try Self.platform(request.query["platform"]), origin: nil)
            let stream = try await reply.stream("application/json")
            var line = StreamMessage()
            line.status = id.description
            try await stream.line(line, end: "\r\n")
            return try await stream.finish()
        }
        try await importFromWeb(source, request.query, try Self.platform(request.query["platform"]), reply)
    }

    private func importFromWeb(
        _ source: String, _ query: Query, _ platform: Platform?, _ reply: Reply
    ) async throws {
        let progress = TransferLines(reply: reply)
        do {
            let id = try await engine.registries.withDownload(of: source, report: progress.report) { open in
                try await engine.images.importRootFilesystem(
                    from: open, reference: Self.reference(query), message: query["message"] ?? "",
                    changes: query.all("changes"), platform: platform, origin: source)
            }
            progress.report(.message(id: "", text: id.description))
            try await progress.end()
        } catch {
            try await progress.fail(error)
        }
    }

    private func pull(_ name: String, _ request: Request, _ reply: Reply) async throws {
        let reference = try Self.pulled(name, request.query["tag"])
        let platform = try Self.platform(request.query["platform"])
        // A pull needs no credentials: what cannot be read counts as none.
        let credentials = (try? request.registryCredentials()) ?? RegistryCredentials()
        let progress = TransferLines(reply: reply)
        do {
            try await engine.registries.pull(
                reference, platform: platform, credentials: credentials, report: progress.report)
            try await progress.end()
        } catch {
            try await progress.fail(error)
        }
    }

    /// Without a tag all of them are meant; the command line says `latest` itself.
    private static func pulled(_ name: String, _ tag: String?) throws -> Reference {
        let named = try Reference(name)
        guard let tag, !tag.isEmpty else { return named }
        if tag.contains(":") {
            guard let digest = Digest(tag) else { throw APIError.badRequest("invalid digest \"\(tag)\"") }
            return named.with(digest: digest)
        }
        guard Reference.isTag(tag) else { throw APIError.badRequest("invalid tag format") }
        return named.with(tag: tag)
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
}
