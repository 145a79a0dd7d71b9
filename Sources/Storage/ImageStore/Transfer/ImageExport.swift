import GRDB
import Glibc
import JSONCodec
import LinuxKernel
package import OCIModel
import Synchronization

/// A layer on its way out, in the form in which a registry shall have it.
package struct ExportedLayer: Sendable {
    package let diffID: Digest
    /// The compressed form that is known; nil where it has never been compressed here.
    package let descriptor: ContentDescriptor?
    /// Whether the store can give out those very bytes.
    package let isAvailable: Bool
    /// Whether they lie on the disk; others are made again.
    package let isKept: Bool
    /// Bytes of the uncompressed archive.
    package let archiveSize: Int64
}

/// An image that goes elsewhere: a push. Its layers stay while this lives. Thread-safe.
package final class ImageExport: Sendable {
    package let id: Digest
    package let configuration: [UInt8]
    /// Lowest first.
    package let layers: [ExportedLayer]
    /// The manifest that it came with.
    package let manifest: (bytes: [UInt8], mediaType: String, digest: Digest)?
    private let store: ImageStore

    fileprivate init(
        store: ImageStore, image: Image, configuration: [UInt8], layers: [ExportedLayer],
        manifest: StoredManifest?
    ) {
        self.store = store
        id = image.id
        self.configuration = configuration
        self.layers = layers
        self.manifest = manifest.flatMap { $0.content.isEmpty ? nil : ($0.content, $0.mediaType, $0.digest) }
    }

    deinit { store.release(layers.map(\.diffID)) }

    /// The bytes of a form that is available, from an offset on.
    /// - Throws: `ImageError`
    package func open(_ layer: ExportedLayer, from offset: Int64) throws -> any ByteSource {
        guard let record = store.state.withLock({ $0.layers[layer.diffID] }) else {
            throw ImageError(.internal, "layer \(layer.diffID) went away while it was being pushed")
        }
        if let blob = record.blob, blob.digest == layer.descriptor?.digest {
            let file = try openFile(store.paths.blob(blob.digest), O_RDONLY)
            let raw = file.rawValue
            try systemCall("lseek") { lseek(raw, off_t(offset), SEEK_SET) }
            return DescriptorSource(file)
        }
        let folder = store.paths.layer(layer.diffID)
        let form = try GzipForm.descriptor(in: folder)
        let source =
            form != nil && form?.digest == layer.descriptor?.digest
            ? try source(record, GzipRebuilder(try GzipForm(readingFrom: folder)))
            : try source(record, GzipCompressor())
        try source.skip(offset)
        return source
    }

    private func source(
        _ record: LayerRecord, _ compressor: any LayerCompressor
    ) throws -> CompressingSource {
        try CompressingSource(compressor) { [store] sink in try store.readLayer(record, sink) }
    }

    /// Compresses a layer whose compressed form is not known yet.
    package func compress(_ layer: ExportedLayer) throws -> CompressingSource {
        guard let record = store.state.withLock({ $0.layers[layer.diffID] }) else {
            throw ImageError(.internal, "layer \(layer.diffID) went away while it was being pushed")
        }
        return try source(record, GzipCompressor())
    }

    /// Keeps in mind which compressed form a layer has elsewhere, so that the next push finds it there.
    package func remember(_ layer: ExportedLayer, _ descriptor: ContentDescriptor) throws {
        try store.changes.withLock {
            try store.database.commit { database in
                try database.execute(
                    sql: "INSERT OR REPLACE INTO layer_forms VALUES (?, ?, ?, ?, ?)",
                    arguments: [
                        descriptor.digest.description, layer.diffID.description, descriptor.size,
                        Compression.gzip.rawValue, true,
                    ])
            }
        }
    }
}

extension ImageStore {
    /// Keeps an image in place for a push.
    /// - Throws: `ImageError` (`imageNotFound`)
    package func beginExport(_ id: Digest) throws -> ImageExport {
        try changes.withLock {
            let image = try self.image(id: id)
            guard let record = try database.image(id) else {
                throw ImageError(.corruptedStore, "image \(id) has no record")
            }
            let manifest: ImageManifest? = record.manifest.flatMap {
                try? JSONValue(parsing: $0.content).decode()
            }
            let diffIDs = image.configuration.rootFilesystem.diffIDs
            var layers: [ExportedLayer] = []
            for (position, diffID) in diffIDs.enumerated() {
                guard let layer = state.withLock({ $0.layers[diffID] }) else {
                    throw ImageError(.corruptedStore, "layer \(diffID) has no record")
                }
                let came = manifest.flatMap { $0.layers.count == diffIDs.count ? $0.layers[position] : nil }
                layers.append(try exported(layer, came: came))
            }
            state.withLock { state in for diffID in diffIDs { state.pin(layer: diffID) } }
            return ImageExport(
                store: self, image: image, configuration: record.configuration, layers: layers,
                manifest: record.manifest)
        }
    }

    /// The form that is at hand; else the one that was made here once; else the one that the image came with, whose bytes
    /// others may have.
    private func exported(_ layer: LayerRecord, came: ContentDescriptor?) throws -> ExportedLayer {
        if layer.blob != nil {
            return ExportedLayer(
                diffID: layer.diffID, descriptor: layer.descriptor, isAvailable: true, isKept: true,
                archiveSize: layer.archiveSize)
        }
        if let form = try GzipForm.descriptor(in: paths.layer(layer.diffID)) {
            let type = came?.digest == form.digest ? came?.mediaType : nil
            let descriptor = ContentDescriptor(
                mediaType: type ?? MediaType.ociLayerGzip, digest: form.digest, size: form.size)
            return ExportedLayer(
                diffID: layer.diffID, descriptor: descriptor, isAvailable: true, isKept: false,
                archiveSize: layer.archiveSize)
        }
        let made = try database.madeForm(of: layer.diffID)
        return ExportedLayer(
            diffID: layer.diffID, descriptor: made ?? (came?.digest == layer.diffID ? nil : came),
            isAvailable: made != nil, isKept: false, archiveSize: layer.archiveSize)
    }
}

extension StoreDatabase {
    /// The form that this store's own compression gives a layer.
    func madeForm(of diffID: Digest) throws -> ContentDescriptor? {
        try writer.read { database in
            let sql = "SELECT digest, size FROM layer_forms WHERE diff_id = ? AND made_here"
            guard let row = try Row.fetchOne(database, sql: sql, arguments: [diffID.description]),
                let digest = Digest(row["digest"] as String)
            else { return nil }
            return ContentDescriptor(mediaType: MediaType.ociLayerGzip, digest: digest, size: row["size"])
        }
    }
}
