package import GRDB
import JSONCodec
import LinuxKernel
import Synchronization
package import Logging
package import OCIModel

extension ImageStore {
    /// Opens the store below a data root, making what is missing and clearing what a crash left.
    /// - Parameters:
    ///   - root: the data root; the store has `content` and `overlay2` below it
    ///   - database: where its records go, beside others'; it adds its own tables
    ///   - platform: which image of a multi-platform archive is taken
    ///   - keepsBlobs: whether pulled layers are also kept compressed, as they came; without, `push` fetches or makes
    ///     them again
    ///   - driver: makes the root file systems of new containers; nil for `overlay2` where the file system carries it
    package static func open(
        root: String, database: any DatabaseWriter, logger: Logger, platform: Platform = .host,
        keepsBlobs: Bool = true, driver: StorageDriver? = nil
    ) throws -> ImageStore {
        let paths = StorePaths(root: root)
        try paths.create()
        let driver = try settle(driver, paths, logger)
        let records = StoreDatabase(writer: database)
        try records.migrate()
        var state = StoreState()
        for layer in try records.layers() { state.layers[layer.diffID] = layer }
        for (reference, image) in try records.references() { state.references[reference] = image }
        let trash = TrashCollector(folder: paths.trash, logger: logger)
        for record in try records.images() {
            state.images[record.id] = try makeImage(record, paths: paths, state: state)
        }
        for id in state.images.keys { state.refresh(id) }
        state.recordedUse = try records.uses()
        state.lastUse = state.recordedUse
        let store = ImageStore(
            paths: paths, platform: platform, logger: logger, database: records, state: state, trash: trash,
            keepsBlobs: keepsBlobs, driver: driver)
        try store.clearLeftovers()
        return store
    }

    /// Tries the overlay where it is to be used.
    private static func settle(
        _ wished: StorageDriver?, _ paths: StorePaths, _ logger: Logger
    ) throws -> StorageDriver {
        if wished == .vfs { return .vfs }
        let folder = "\(paths.staging)/probe"
        defer { try? removeTree(folder) }
        try removeTree(folder)
        try makeDirectories(folder, mode: 0o700)
        guard let obstacle = OverlaySupport.obstacle(in: folder) else { return .overlay2 }
        if wished == .overlay2 {
            throw ImageError(
                .unsupported,
                "the storage driver overlay2 does not work on the file system of \(paths.root): \(obstacle): use another "
                    + "data root, or the storage driver vfs")
        }
        logger.warning(
            "the file system carries no overlay; containers get copies of their images",
            metadata: ["data-root": "\(paths.root)", "error": "\(obstacle)"])
        return .vfs
    }

    static func makeImage(_ record: ImageRecord, paths: StorePaths, state: StoreState) throws -> Image {
        let configuration: ImageConfiguration = try JSONValue(parsing: record.configuration).decode()
        var size: Int64 = 0
        for diffID in configuration.rootFilesystem.diffIDs {
            guard let layer = state.layers[diffID] else {
                throw ImageError(.corruptedStore, "image \(record.id) has no record of its layer \(diffID)")
            }
            size += layer.size
        }
        return Image(
            id: record.id, configuration: configuration, references: [], parent: record.parent, size: size,
            lastTagged: record.lastTagged, manifest: record.manifest?.digest,
            layerPaths: overlayOrder(configuration.rootFilesystem.diffIDs).map { paths.layerContent($0) })
    }

    /// Whatever has no record is what a crash left behind. Folders that may be containers' wait for `adopt`.
    private func clearLeftovers() throws {
        try trash.collectLeftovers()
        for name in try namesInFolder(paths.staging) { try trash.discard("\(paths.staging)/\(name)") }
        let blobs = state.withLock { Set($0.layers.values.compactMap { $0.blob?.digest.hex }) }
        for name in try namesInFolder(paths.blobs) where !blobs.contains(name) {
            try trash.discard("\(paths.blobs)/\(name)")
        }
        try clearArrivals(olderThan: Self.arrivalAge)
        let layers = state.withLock { Array($0.layers.keys) }
        for diffID in layers where !fileExists(paths.layerContent(diffID)) {
            logger.error("an unpacked layer is missing", metadata: ["layer": "\(diffID)"])
        }
    }

    /// Waits until the background deletions that were asked for are done; for orderly ends and for tests.
    package func waitForDeletions() { trash.waitUntilEmpty() }
}
