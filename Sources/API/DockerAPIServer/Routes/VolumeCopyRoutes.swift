import HTTPTransport
import DockerAPI
import Engine
import ImageStore
import JSONCodec
import OCIModel

/// What Docker's volumes cannot do: clones, snapshots, archives, new names.
struct VolumeCopyRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] {
        [
            Endpoint(.volumeClone, endsWithClient: true, clone),
            Endpoint(.volumeRename, rename),
            Endpoint(.volumeSnapshotCreate, endsWithClient: true, createSnapshot),
            Endpoint(.volumeSnapshotList, listSnapshots),
            Endpoint(.volumeSnapshotRestore, endsWithClient: true, restore),
            Endpoint(.volumeSnapshotRemove, removeSnapshot),
            Endpoint(.volumeExport, endsWithClient: true, export),
            Endpoint(.volumeImport, body: .stream, endsWithClient: true, importArchive),
        ]
    }

    @Sendable private func clone(_ request: Request, _ reply: Reply) async throws {
        let target = try request.required("to")
        try await copying(target, request, reply) { options in
            try await engine.volumes.clone(request.reference, to: target, options)
        }
    }

    @Sendable private func rename(_ request: Request, _ reply: Reply) async throws {
        try await engine.volumes.rename(request.reference, to: try request.required("to"))
        try await reply.empty()
    }

    @Sendable private func createSnapshot(_ request: Request, _ reply: Reply) async throws {
        let name = try request.required("name")
        try await copying(name, request, reply) { options in
            try await engine.volumes.createSnapshot(name, of: request.reference, options)
        }
    }

    @Sendable private func restore(_ request: Request, _ reply: Reply) async throws {
        try await copying(request.reference, request, reply) { options in
            try await engine.volumes.restore(request.parameters[1], of: request.reference, options)
        }
    }

    @Sendable private func listSnapshots(_ request: Request, _ reply: Reply) async throws {
        let snapshots = try await engine.volumes.snapshots(of: request.reference)
        try await reply.json(
            .array(
                snapshots.map {
                    [
                        "Name": .string($0.name), "CreatedAt": .string($0.created?.description ?? ""),
                        "Size": .integer($0.size),
                    ]
                }))
    }

    @Sendable private func removeSnapshot(_ request: Request, _ reply: Reply) async throws {
        try await engine.volumes.removeSnapshot(request.parameters[1], of: request.reference)
        try await reply.empty()
    }

    @Sendable private func export(_ request: Request, _ reply: Reply) async throws {
        try await engine.volumes.export(
            request.reference, pauses: request.query.flag("pause", default: true)
        ) { ResponseSink(reply) }
        try await StreamReply(writer: reply.writer).finish()
    }

    @Sendable private func importArchive(_ request: Request, _ reply: Reply) async throws {
        let body = try request.stream()
        let volume = try await engine.volumes.importArchive(
            from: { RequestBodySource(body) }, name: try request.required("name"))
        try await reply.json(VolumeResource(volume, version: request.version), status: 201)
    }

    /// Tells the progress of a copy, then how much there was and how much of it shares its blocks with the source.
    private func copying(
        _ name: String, _ request: Request, _ reply: Reply,
        _ body: (VolumeCopyOptions) async throws -> VolumeCopyProgress
    ) async throws {
        let lines = TransferLines(reply: reply)
        var options = VolumeCopyOptions()
        options.pauses = request.query.flag("pause", default: true)
        let report = lines.report
        options.report = { progress in
            // Holes and small files make the total a guess.
            let total = max(progress.total, progress.bytes + 1)
            report(.bytes(id: name, state: "Copying", current: progress.bytes, total: total))
        }
        do {
            let result = try await body(options)
            report(
                .copied(name: name, bytes: result.bytes, sharedBytes: result.sharedBytes))
            try await lines.end()
        } catch {
            try await lines.fail(error)
        }
    }
}

extension Request {
    /// - Throws: `APIError` where the parameter is missing
    func required(_ name: String) throws -> String {
        guard let value = query[name], !value.isEmpty else {
            throw APIError.badRequest("the parameter '\(name)' is missing")
        }
        return value
    }
}
