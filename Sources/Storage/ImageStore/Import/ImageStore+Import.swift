import JSONCodec
package import OCIModel
import Synchronization

extension ImageStore {
    /// Makes an image of one layer from a tar of a root filesystem, as `docker import`.
    /// - Parameters:
    ///   - reference: such as `name:tag`; nil leaves the image without a name
    ///   - message: the comment; empty gives Docker's own
    ///   - changes: Dockerfile instructions: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, SHELL,
    ///     STOPSIGNAL, USER, VOLUME, WORKDIR
    ///   - origin: where the archive came from, for the comment; nil where it was uploaded
    /// - Returns: the image's id
    /// - Throws: `ImageError`
    package func importRootFilesystem(
        from source: any ByteSource, reference: String?, message: String, changes: [String],
        platform: Platform? = nil, origin: String? = nil
    ) throws -> Digest {
        // Everything that can be refused is, before the upload is read.
        let name = try reference.map { try Self.makeReference($0, nil) }
        var defaults = ImageDefaults()
        for change in try ConfigurationChange.all(in: changes) { try change.apply(to: &defaults) }
        do {
            let staging = try StagingFolder(paths, trash: trash)
            let outcome = try takeLayer(source, staging)
            let now = Timestamp.now
            let comment = message.isEmpty ? "Imported from \(origin ?? "-")" : message
            var configuration = ImageConfiguration(
                platform: platform ?? self.platform, created: now, config: defaults,
                diffIDs: [outcome.record.diffID])
            configuration.comment = comment
            configuration.history = [ImageConfiguration.History(created: now, comment: comment)]
            let bytes = try JSONValue(encoding: configuration).bytes()
            let image = ArchiveContents.FoundImage(
                id: sha256(bytes), configurationBytes: bytes, configuration: configuration,
                references: name.map { [$0] } ?? [],
                layers: [ArchiveContents.Layer(diffID: outcome.record.diffID, outcome: outcome)],
                manifest: nil)
            _ = try commit([image])
            return image.id
        } catch {
            throw Self.translate(error)
        }
    }

    private func takeLayer(_ source: any ByteSource, _ staging: StagingFolder) throws -> LayerIntake.Outcome {
        let pool = ChunkPool()
        let first = pool.take()
        try Self.fill(first, from: source)
        guard first.count > 0 else { throw ImageError(.corruptedArchive, "the archive is empty") }
        let intake = try LayerIntake(
            folder: "\(staging.path)/0", compression: try Compression.detect(first.bytes), keeping: .dropped,
            pool: pool)
        do {
            var chunk = first
            while chunk.count > 0 {
                try intake.feed(chunk)
                chunk = pool.take()
                try Self.fill(chunk, from: source)
            }
            intake.finish()
            return try intake.outcome()
        } catch {
            intake.fail(error)
            throw error
        }
    }

    static func fill(_ chunk: Chunk, from source: any ByteSource) throws {
        while !chunk.isFull {
            let count = try source.read(into: chunk.space)
            if count == 0 { return }
            chunk.count += count
        }
    }
}
