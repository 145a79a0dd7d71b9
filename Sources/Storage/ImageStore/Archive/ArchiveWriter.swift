import Glibc
import JSONCodec
import LinuxKernel
import OCIModel

/// Writes the members of an image archive; content that images share once.
struct ArchiveWriter {
    private let store: ImageStore
    private let sink: any ByteSink
    private let tar: TarWriter
    private var written: Set<Digest> = []

    init(store: ImageStore, sink: any ByteSink) {
        self.store = store
        self.sink = sink
        tar = TarWriter(sink)
    }

    mutating func write(_ images: [SavedImage]) throws {
        for image in images {
            for layer in image.layers { try write(layer) }
            try write(image.image.id, image.configuration)
            if let manifest = image.manifest { try write(manifest.digest, manifest.content) }
        }
        try tar.file("index.json", index(images).bytes())
        try tar.file("manifest.json", dockerManifest(images).bytes())
        try tar.file("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        let repositories = self.repositories(images)
        if !repositories.isEmpty { try tar.file("repositories", JSONValue.object(repositories).bytes()) }
        try tar.finish()
    }

    private static func name(_ digest: Digest) -> String {
        "blobs/\(digest.algorithm.rawValue)/\(digest.hex)"
    }

    private mutating func write(_ digest: Digest, _ content: [UInt8]) throws {
        guard written.insert(digest).inserted else { return }
        try tar.file(Self.name(digest), content)
    }

    private mutating func write(_ layer: LayerRecord) throws {
        let descriptor = layer.descriptor
        guard written.insert(descriptor.digest).inserted else { return }
        try tar.begin(Self.name(descriptor.digest), size: descriptor.size)
        var hash = ContentHash()
        var size: Int64 = 0
        try store.readLayer(layer) { bytes in
            hash.update(bytes)
            size += Int64(bytes.count)
            try sink.write(bytes)
        }
        guard hash.digest == descriptor.digest, size == descriptor.size else {
            throw ImageError(
                .corruptedStore,
                "layer \(layer.diffID) in the store is damaged: remove its images and load them again")
        }
        try tar.pad(descriptor.size)
    }

    // MARK: - Documents

    private func index(_ images: [SavedImage]) -> JSONValue {
        var manifests: [JSONValue] = []
        for image in images {
            guard let manifest = image.manifest else { continue }
            let plain: JSONObject = {
                var object = JSONObject()
                object["mediaType"] = .string(manifest.mediaType)
                object["digest"] = .string(manifest.digest.description)
                object["size"] = .integer(Int64(manifest.content.count))
                let platform = image.image.configuration.platform
                var platformObject = JSONObject()
                platformObject["architecture"] = .string(platform.architecture)
                platformObject["os"] = .string(platform.os)
                if let variant = platform.variant { platformObject["variant"] = .string(variant) }
                object["platform"] = .object(platformObject)
                return object
            }()
            if image.references.isEmpty { manifests.append(.object(plain)) }
            for reference in image.references {
                var object = plain
                object["annotations"] = [
                    "io.containerd.image.name": .string(reference.description),
                    "org.opencontainers.image.ref.name": .string(reference.tag ?? Reference.defaultTag),
                ]
                manifests.append(.object(object))
            }
        }
        return [
            "schemaVersion": 2, "mediaType": .string(MediaType.ociIndex), "manifests": .array(manifests),
        ]
    }

    private func dockerManifest(_ images: [SavedImage]) -> JSONValue {
        .array(
            images.map { image in
                var object = JSONObject()
                object["Config"] = .string(Self.name(image.image.id))
                object["RepoTags"] =
                    image.references.isEmpty ? .null : .array(image.references.map { .string($0.familiar) })
                object["Layers"] = .array(image.layers.map { .string(Self.name($0.descriptor.digest)) })
                return .object(object)
            })
    }

    /// What Docker before 1.10 read: the topmost layer of every name.
    private func repositories(_ images: [SavedImage]) -> JSONObject {
        var repositories = JSONObject()
        for image in images {
            guard let top = image.layers.last else { continue }
            for reference in image.references {
                var tags = repositories[reference.familiarName]?.objectValue ?? JSONObject()
                tags[reference.tag ?? Reference.defaultTag] = .string(top.descriptor.digest.hex)
                repositories[reference.familiarName] = .object(tags)
            }
        }
        return repositories
    }
}

extension ImageStore {
    /// The layer's archive as it came, in pieces.
    func readLayer(_ layer: LayerRecord, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let blob = layer.blob else {
            return try LayerRecipeReader(folder: paths.layer(layer.diffID)).write(to: body)
        }
        let source = ReadingSpanSource(DescriptorSource(try openFile(paths.blob(blob.digest), O_RDONLY)))
        while true {
            let span = try source.nextSpan()
            if span.isEmpty { return }
            try body(span)
        }
    }
}
