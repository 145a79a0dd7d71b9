import JSONCodec
import Glibc
import LinuxKernel
import OCIModel
import Synchronization

extension ImageStore {
    /// Writes one archive with the named images, which docker, podman and skopeo load: an OCI layout with the
    /// `manifest.json` and `repositories` of `docker save` beside it.
    ///
    /// A repository without tag stands for all of its tags; an id saves an image without a name. Nothing is written
    /// before all names are known to be good.
    /// - Throws: `ImageError` (`imageNotFound`, `corruptedStore` where the content is not what was recorded), what
    ///   the sink throws
    package func save(_ names: [String], to sink: any ByteSink) throws {
        var selection: [SavedImage] = []
        defer { for image in selection { release(image.layers.map(\.diffID)) } }
        try changes.withLock {
            for name in names { try select(name, &selection) }
            for index in selection.indices { try prepare(&selection[index]) }
        }
        let gathering = GatheringSink(sink)
        var writer = ArchiveWriter(store: self, sink: gathering)
        try writer.write(selection)
        try gathering.flush()
    }

    private func select(_ name: String, _ selection: inout [SavedImage]) throws {
        let found = try state.withLock { state throws(ImageError) -> [(Image, Reference?)] in
            if let parsed = try? ImageName(name), case .reference(let reference) = parsed,
                reference.isNameOnly
            {
                let tags = state.references.filter { $0.key.name == reference.name && $0.key.digest == nil }
                let images = tags.sorted { $0.key.description < $1.key.description }
                    .compactMap { tag in state.images[tag.value].map { ($0, Optional(tag.key)) } }
                if !images.isEmpty { return images }
            }
            let image = try Self.resolve(name, in: state)
            let wanted = (try? Reference(name))?.withDefaultTag
            return [(image, wanted.flatMap { image.references.contains($0) && $0.digest == nil ? $0 : nil })]
        }
        for (image, reference) in found {
            let index =
                selection.firstIndex { $0.image.id == image.id }
                ?? {
                    selection.append(SavedImage(image: image))
                    return selection.count - 1
                }()
            if let reference, !selection[index].references.contains(reference) {
                selection[index].references.append(reference)
            }
        }
    }

    /// Reads the image's record and keeps its layers from going away.
    private func prepare(_ saved: inout SavedImage) throws {
        guard let record = try database.image(saved.image.id) else {
            throw ImageError(.corruptedStore, "image \(saved.image.id) has no record")
        }
        saved.configuration = record.configuration
        saved.layers = try state.withLock { state throws(ImageError) in
            var layers: [LayerRecord] = []
            for diffID in saved.image.configuration.rootFilesystem.diffIDs {
                guard let layer = state.layers[diffID] else {
                    throw ImageError(.corruptedStore, "layer \(diffID) has no record")
                }
                state.pin(layer: diffID)
                layers.append(layer)
            }
            return layers
        }
        saved.manifest = try makeManifest(saved, stored: record.manifest)
    }

    /// The manifest that the image came with, where its layers are still in that form; else one of the layers as
    /// they are.
    private func makeManifest(_ saved: SavedImage, stored: StoredManifest?) throws -> StoredManifest {
        let layers = saved.layers.map(\.descriptor)
        if let stored, !stored.content.isEmpty,
            let manifest: ImageManifest = try? JSONValue(parsing: stored.content).decode(),
            manifest.layers.map(\.digest) == layers.map(\.digest)
        {
            return stored
        }
        let configuration = ContentDescriptor(
            mediaType: MediaType.ociConfig, digest: saved.image.id, size: Int64(saved.configuration.count))
        let content = try JSONValue(encoding: ImageManifest(config: configuration, layers: layers)).bytes()
        return StoredManifest(digest: sha256(content), mediaType: MediaType.ociManifest, content: content)
    }
}

/// One image of an archive that is being written.
struct SavedImage {
    let image: Image
    var references: [Reference] = []
    var configuration: [UInt8] = []
    var layers: [LayerRecord] = []
    var manifest: StoredManifest?

    init(image: Image) { self.image = image }
}

extension LayerRecord {
    /// The layer in the form in which the store gives it out.
    var descriptor: ContentDescriptor {
        guard let blob else {
            return ContentDescriptor(mediaType: MediaType.ociLayer, digest: diffID, size: archiveSize)
        }
        let type = blob.compression == .zstd ? MediaType.ociLayerZstd : MediaType.ociLayerGzip
        return ContentDescriptor(mediaType: type, digest: blob.digest, size: blob.size)
    }
}
