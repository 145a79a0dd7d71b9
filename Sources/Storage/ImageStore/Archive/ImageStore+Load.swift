import CLinux
import Glibc
import LinuxKernel
import Logging
package import OCIModel
import Synchronization

extension ImageStore {
    /// Loads every image of a `docker save` or OCI archive, plain or compressed. Nothing stays behind on failure.
    /// - Parameters:
    ///   - wanted: only images for this platform; nil for all that the archive has under a name, and of an index the
    ///     one for this machine
    ///   - progress: called from the calling thread
    /// - Throws: `ImageError`
    package func load(
        from source: any ByteSource, platform wanted: Platform? = nil,
        progress: (@Sendable (LoadProgress) -> Void)? = nil
    ) throws -> LoadResult {
        let staging = try StagingFolder(paths, trash: trash)
        let reader = ArchiveReader(store: self, staging: staging, progress: progress)
        defer { reader.releasePins() }
        do {
            try reader.read(source)
            let contents = try ArchiveContents(reader.members, platform: wanted ?? platform)
            guard let wanted else { return try commit(contents.images) }
            let images = contents.images.filter { $0.configuration.platform.isSame(as: wanted) }
            guard !images.isEmpty else {
                throw ImageError(.imageNotFound, "the archive has no image for \(wanted)")
            }
            return try commit(images)
        } catch {
            throw Self.translate(error)
        }
    }

    static func translate(_ error: any Error) -> any Error {
        guard let error = error as? SystemCallError else { return error }
        let isFull = error.errno == ENOSPC || error.errno == EDQUOT
        return ImageError(isFull ? .exhausted : .input, "\(error)", cause: error)
    }

    /// Makes images visible: their layers get their places, everything is synced, then they are recorded.
    func commit(_ images: [ArchiveContents.FoundImage]) throws -> LoadResult {
        var placed: [Digest] = []
        defer { release(placed) }
        let records = try place(images.flatMap(\.layers), &placed)
        do {
            try syncLayers()
            return try changes.withLock { try record(images, records) }
        } catch {
            release(placed)
            let discarded = placed
            placed = []
            _ = try? changes.withLock { try collect(discarded) }
            throw error
        }
    }

    /// Moves unpacked layers to their places, unless the store has them, and pins all of them.
    private func place(_ layers: [ArchiveContents.Layer], _ placed: inout [Digest]) throws -> [LayerRecord] {
        var records: [LayerRecord] = []
        try changes.withLock {
            for layer in layers {
                if state.withLock({ $0.pinIfPresent(layer: layer.diffID) }) {
                    placed.append(layer.diffID)
                    continue
                }
                guard let outcome = layer.outcome else {
                    throw ImageError(.internal, "layer \(layer.diffID) was taken for known and is not")
                }
                try placeAndPin(outcome)
                placed.append(layer.diffID)
                records.append(outcome.record)
            }
        }
        return records
    }

    /// Under `changes`, for a layer that the store does not have.
    func placeAndPin(_ outcome: LayerIntake.Outcome) throws {
        try move(outcome)
        state.withLock { state in
            state.layers[outcome.record.diffID] = outcome.record
            state.pin(layer: outcome.record.diffID)
        }
        if outcome.droppedAttributes > 0 {
            logger.warning(
                "the file system cannot hold some extended attributes of a layer",
                metadata: [
                    "layer": "\(outcome.record.diffID)", "count": "\(outcome.droppedAttributes)",
                ])
        }
    }

    private func move(_ outcome: LayerIntake.Outcome) throws {
        let target = paths.layer(outcome.record.diffID)
        // Without a record it is a leftover of a crash that nobody has cleared yet.
        try trash.discard(target)
        if let blob = outcome.record.blob, let file = outcome.blobFile {
            let name = paths.blob(blob.digest)
            if file == paths.arrival(blob.digest) {
                // It keeps its other name until the image is recorded: after a crash it need not be fetched again.
                unlink(name)
                try systemCall("link", name) { link(file, name) }
            } else {
                try systemCall("rename", name) { rename(file, name) }
            }
        }
        try systemCall("rename", target) { rename(outcome.folder, target) }
    }

    /// One call for all files of all layers.
    private func syncLayers() throws {
        let folder = try openFile(paths.overlay, O_RDONLY | O_DIRECTORY)
        let raw = folder.rawValue
        try rawCall("syncfs", paths.overlay) { skiff_sync_file_system(raw) }
        let blobs = try openFile(paths.blobs, O_RDONLY | O_DIRECTORY)
        let (rawBlobs, first) = (blobs.rawValue, try Self.device(raw))
        guard try Self.device(rawBlobs) != first else { return }
        try rawCall("syncfs", paths.blobs) { skiff_sync_file_system(rawBlobs) }
    }

    private static func device(_ descriptor: Int32) throws(SystemCallError) -> UInt64 {
        var status = stat()
        try systemCall("fstat") { fstat(descriptor, &status) }
        return UInt64(status.st_dev)
    }

    private func record(
        _ images: [ArchiveContents.FoundImage], _ layers: [LayerRecord]
    ) throws -> LoadResult {
        let now = Timestamp.now
        let known = state.withLock { $0.layers }
        try database.commit { database in
            // Also those that another load placed and has not recorded yet.
            for diffID in Set(images.flatMap { $0.layers.map(\.diffID) }) {
                guard let layer = known[diffID] else { continue }
                try StoreDatabase.insert(layer, database)
            }
            for image in images {
                try StoreDatabase.insert(Self.makeRecord(image), database)
                try Self.recordUse(image.id, at: now, database)
                for reference in image.references {
                    try StoreDatabase.set(reference, to: image.id, at: now, database)
                }
            }
        }
        return try state.withLock { state in try publish(images, at: now, in: &state) }
    }

    private static func makeRecord(
        _ image: ArchiveContents.FoundImage, parent: Digest? = nil, lastTagged: Timestamp? = nil
    ) -> ImageRecord {
        ImageRecord(
            id: image.id, configuration: image.configurationBytes, parent: parent ?? image.parent,
            lastTagged: lastTagged, manifest: image.manifest)
    }

    private func publish(
        _ images: [ArchiveContents.FoundImage], at now: Timestamp, in state: inout StoreState
    ) throws -> LoadResult {
        var result = LoadResult(images: [], displaced: [])
        for image in images {
            // A manifest may have come with a name for an image that had none.
            if state.images[image.id].map({ $0.manifest == nil && image.manifest != nil }) ?? true {
                let before = state.images[image.id]
                state.images[image.id] = try Self.makeImage(
                    Self.makeRecord(image, parent: before?.parent, lastTagged: before?.lastTagged),
                    paths: paths, state: state)
            }
            for reference in image.references {
                let before = state.references.updateValue(image.id, forKey: reference)
                if let before, before != image.id {
                    result.displaced.append(LoadResult.Displacement(reference: reference, id: before))
                    state.refresh(before)
                }
            }
            state.refresh(image.id, lastTagged: image.references.isEmpty ? nil : now)
            (state.lastUse[image.id], state.recordedUse[image.id]) = (now, now)
            result.images.append(LoadResult.LoadedImage(id: image.id, references: image.references))
        }
        return result
    }
}
