import Glibc
import LinuxKernel
import Logging
package import OCIModel
import Synchronization

/// One image that comes layer by layer from elsewhere: a pull. Thread-safe: layers come at the same time, each on a
/// thread of its own.
///
/// Layers are unpacked while they arrive. Nothing is visible before `commit`; what was fetched is kept for a later try
/// where the pull fails half-way (`content/arrivals`).
package final class ImageIngest: Sendable {
    private let store: ImageStore
    private let staging: StagingFolder
    private let pool = ChunkPool()
    private let depth: Int
    private let cancelled = Atomic(false)
    /// Whether nothing may stay for a later try.
    private let isDiskFull = Atomic(false)
    /// Pinned in the store's state.
    private let pinned = Mutex<[Digest]>([])
    /// Blobs whose arrival files go with the commit.
    private let arrived = Mutex<Set<Digest>>([])

    fileprivate init(store: ImageStore, depth: Int) throws {
        self.store = store
        self.depth = depth
        staging = try StagingFolder(store.paths, trash: store.trash)
    }

    deinit { abandon() }

    /// Ends waits for other pulls.
    package func cancel() {
        cancelled.store(true, ordering: .releasing)
        store.arrivals.wake()
    }

    // MARK: - Layers

    /// Takes one layer, unless the store has it.
    /// - Parameters:
    ///   - descriptor: the layer as the registry has it
    ///   - diffID: what the image's configuration says that it unpacks to
    ///   - open: gives the blob's bytes from an offset on
    ///   - report: called on this thread, and with what other pulls say of the same layer
    /// - Throws: `ImageError`; what `open` and its source throw
    package func layer(
        _ descriptor: ContentDescriptor, diffID: Digest,
        open: @escaping (_ offset: Int64) throws -> any ByteSource, report: @escaping (LayerArrival) -> Void
    ) throws {
        if keepIfPresent(diffID) { return report(.exists) }
        let isMine = try store.arrivals.claim(
            descriptor.digest, isDone: { self.keepIfPresent(diffID) },
            isCancelled: { self.cancelled.load(ordering: .acquiring) }, report: report)
        guard isMine else { return report(.complete) }
        defer { store.arrivals.release(descriptor.digest) }
        do {
            let shared = { (arrival: LayerArrival) in
                report(arrival)
                self.store.arrivals.report(descriptor.digest, arrival)
            }
            try take(descriptor, diffID, open, shared)
        } catch {
            let translated = ImageStore.translate(error)
            if (translated as? ImageError)?.code == .exhausted {
                isDiskFull.store(true, ordering: .releasing)
            }
            throw translated
        }
    }

    /// Keeps a layer that the store has from going away before the commit.
    /// - Returns: whether it has it
    package func keepIfPresent(_ diffID: Digest) -> Bool {
        guard store.state.withLock({ $0.pinIfPresent(layer: diffID) }) else { return false }
        pinned.withLock { $0.append(diffID) }
        return true
    }

    private func take(
        _ descriptor: ContentDescriptor, _ diffID: Digest, _ open: @escaping (Int64) throws -> any ByteSource,
        _ report: (LayerArrival) -> Void
    ) throws {
        guard descriptor.digest.algorithm == .sha256 else {
            throw ImageError(.unsupported, "layer \(descriptor.digest): only sha256 digests are supported")
        }
        arrived.withLock { _ = $0.insert(descriptor.digest) }
        let file = try ArrivalFile(store.paths.arrival(descriptor.digest), size: descriptor.size)
        do {
            try fill(file, descriptor, diffID, open, report)
        } catch let error as ImageError where error.code == .corruptedArchive && file.resumedAt > 0 {
            // What was there may have been damaged when the machine went down.
            try file.clear()
            try fill(file, descriptor, diffID, open, report)
        }
    }

    private func fill(
        _ file: ArrivalFile, _ descriptor: ContentDescriptor, _ diffID: Digest,
        _ open: @escaping (Int64) throws -> any ByteSource, _ report: (LayerArrival) -> Void
    ) throws {
        let source = ArrivalSource(file: file, size: descriptor.size, open: open)
        do {
            let (unpacked, compression) = try unpack(source, descriptor, report)
            report(.extracting(current: descriptor.size, total: descriptor.size))
            guard unpacked.digest == descriptor.digest else {
                throw ImageError(
                    .corruptedArchive,
                    "layer \(descriptor.digest): filesystem layer verification failed: the registry sent content "
                        + "with the digest \(unpacked.digest)")
            }
            guard unpacked.record.diffID == diffID else {
                throw ImageError(
                    .corruptedArchive,
                    "layer \(descriptor.digest) unpacks to \(unpacked.record.diffID), the image's configuration "
                        + "says \(diffID)")
            }
            let outcome =
                store.keepsBlobs || compression == .none
                ? unpacked
                : try unpacked.dropping(file.path, descriptor, compression) {
                    self.cancelled.load(ordering: .acquiring)
                }
            try store.changes.withLock {
                if !keepIfPresent(diffID) {
                    try store.placeAndPin(outcome)
                    pinned.withLock { $0.append(diffID) }
                }
            }
            try? LinuxKernel.removeTree(outcome.folder)
            report(.complete)
        } catch let error as ImageError where error.code == .corruptedArchive || error.code == .invalidLayer {
            // Never again from these bytes.
            try file.clear(keepsResumption: true)
            throw error
        }
    }

    private func unpack(
        _ source: ArrivalSource, _ descriptor: ContentDescriptor, _ report: (LayerArrival) -> Void
    ) throws -> (LayerIntake.Outcome, Compression) {
        let first = pool.take()
        try source.fill(first)
        let compression = first.count > 0 ? try Compression.detect(first.bytes) : .none
        let folder = "\(staging.path)/\(descriptor.digest.hex)"
        if fileExists(folder) { try LinuxKernel.removeTree(folder) }
        let intake = try LayerIntake(
            folder: folder, compression: compression,
            keeping: store.keepsBlobs ? .elsewhere(source.file.path) : .dropped, pool: pool, depth: depth)
        do {
            var chunk = first
            var reported: Int64 = 0
            while chunk.count > 0 {
                try intake.feed(chunk)
                if intake.inputCount - reported >= Self.reportStep || intake.inputCount == descriptor.size {
                    reported = intake.inputCount
                    report(.downloading(current: reported, total: descriptor.size))
                }
                chunk = pool.take()
                try source.fill(chunk)
            }
            report(.verifying)
            intake.finish()
            report(.downloaded)
            return (try intake.outcome(), compression)
        } catch {
            intake.fail(error)
            throw error
        }
    }

    private static let reportStep: Int64 = 512 << 10

    // MARK: - The end

    /// Makes the image visible under its names. All of its layers have to have come.
    /// - Throws: `ImageError`; nothing is visible then
    package func commit(
        configuration: [UInt8], manifest: (bytes: [UInt8], mediaType: String, digest: Digest),
        references: [Reference]
    ) throws -> LoadResult {
        do {
            let image = try ArchiveContents.FoundImage(
                pulled: configuration, references: references,
                manifest: StoredManifest(
                    digest: manifest.digest, mediaType: manifest.mediaType, content: manifest.bytes))
            let result = try store.commit([image])
            forgetArrivals()
            abandon()
            return result
        } catch {
            throw ImageStore.translate(error)
        }
    }

    /// Also of layers that another pull fetched, which may have ended without its image.
    private func forgetArrivals() {
        let blobs = pinned.withLock { $0 }.compactMap { diffID in
            store.state.withLock { $0.layers[diffID]?.blob?.digest }
        }
        for digest in arrived.withLock({ $0 }).union(blobs) where !store.arrivals.contains(digest) {
            unlink(store.paths.arrival(digest))
        }
    }

    /// Lets go of the layers; those that nothing needs go.
    private func abandon() {
        if isDiskFull.load(ordering: .acquiring) { forgetArrivals() }
        let pins = pinned.withLock { pins in
            defer { pins = [] }
            return pins
        }
        guard !pins.isEmpty else { return }
        store.release(pins)
        do {
            _ = try store.changes.withLock { try store.collect(pins) }
        } catch {
            store.logger.warning(
                "cannot remove layers of a pull that failed", metadata: ["error": "\(error)"])
        }
    }
}

extension ImageStore {
    /// Begins to take an image from elsewhere.
    /// - Parameter parallelLayers: how many of its layers come at the same time; bounds the memory of each
    package func beginIngest(parallelLayers: Int) throws -> ImageIngest {
        do {
            return try ImageIngest(store: self, depth: max(4, 72 / max(1, parallelLayers)))
        } catch {
            throw Self.translate(error)
        }
    }
}
