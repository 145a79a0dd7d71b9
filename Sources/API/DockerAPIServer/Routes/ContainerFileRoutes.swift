import DockerAPI
import Engine
import HTTPTransport
import ImageStore
import JSONCodec
import OCIModel

/// Files in and out of containers: archive, export, changes.
struct ContainerFileRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [
            Endpoint(.containerArchive, endsWithClient: true, archive),
            Endpoint(.containerArchiveInfo, status), Endpoint(.putContainerArchive, body: .stream, extract),
            Endpoint(.containerExport, endsWithClient: true, export), Endpoint(.containerChanges, changes),
        ]
    }

    private func path(_ request: Request) throws -> String {
        guard let path = request.query["path"], !path.isEmpty else {
            throw APIError.badRequest("bad parameter: 'path' cannot be empty")
        }
        guard !path.utf8.contains(0) else {
            throw APIError.badRequest("bad parameter: 'path' holds a NUL byte")
        }
        return path
    }

    private static let statusField = "X-Docker-Container-Path-Stat"

    private static func field(_ status: ContainerPathStatus) throws -> (name: String, value: String) {
        var wire = ContainerPathStat()
        (wire.name, wire.size, wire.mode) = (status.name, status.size, Int64(status.mode))
        wire.mtime =
            Timestamp(
                seconds: status.modifiedSeconds, nanoseconds: Int32(status.modifiedNanoseconds)
            ).description
        wire.linkTarget = status.linkTarget
        return (statusField, Base64.encode(try JSONValue(encoding: wire).bytes()))
    }

    @Sendable private func status(_ request: Request, _ reply: Reply) async throws {
        let status = try await engine.containers.pathStatus(request.reference, path: try path(request))
        try await reply.send(Response(status: 200, fields: [try Self.field(status)]))
    }

    @Sendable private func archive(_ request: Request, _ reply: Reply) async throws {
        let path = try path(request)
        let name = request.query["skiff-name"]
        guard name?.utf8.contains(0) != true else { throw APIError.badRequest("the name holds a NUL byte") }
        try await engine.containers.archive(request.reference, path: path, as: name) { status in
            ResponseSink(reply, "application/x-tar", [try Self.field(status)])
        }
        try await StreamReply(writer: reply.writer).finish()
    }

    @Sendable private func extract(_ request: Request, _ reply: Reply) async throws {
        var options = ExtractOptions()
        options.forbidsOtherKinds = request.query.flag("noOverwriteDirNonDir")
        options.givesToUser = request.query.flag("copyUIDGID")
        let body = try request.stream()
        try await engine.containers.extract(request.reference, path: try path(request), options) {
            RequestBodySource(body)
        }
        try await reply.empty(200)
    }

    @Sendable private func export(_ request: Request, _ reply: Reply) async throws {
        try await engine.containers.export(request.reference) {
            ResponseSink(reply, "application/octet-stream")
        }
        try await StreamReply(writer: reply.writer).finish()
    }

    @Sendable private func changes(_ request: Request, _ reply: Reply) async throws {
        let changes = try await engine.containers.changes(request.reference).map { change in
            var wire = ContainerChange()
            (wire.path, wire.kind) = (change.path, change.kind.rawValue)
            return try JSONValue(encoding: wire)
        }
        // Go's empty list.
        try await reply.json(changes.isEmpty ? JSONValue.null : .array(changes))
    }
}
