import DockerAPI
import Engine
import HTTPTransport
import OCIModel
import RegistryClient

/// `POST /images/{name}/push`.
struct ImagePushRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.imagePush, endsWithClient: true, push)] }

    @Sendable private func push(_ request: Request, _ reply: Reply) async throws {
        var name = try Reference(request.reference)
        if let tag = request.query["tag"], !tag.isEmpty {
            guard Reference.isTag(tag) else { throw APIError.badRequest("invalid tag format") }
            name = name.with(tag: tag)
        }
        if let platform = try request.platform() {
            try engine.images.require(platform, of: name.withDefaultTag.familiar)
        }
        let credentials = try request.registryCredentials()
        let progress = TransferLines(reply: reply)
        do {
            try await engine.registries.push(name, credentials: credentials, report: progress.report)
            try await progress.end()
        } catch {
            try await progress.fail(error)
        }
    }
}
