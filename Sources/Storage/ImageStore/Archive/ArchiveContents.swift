import JSONCodec
import OCIModel

/// The images of an archive, found in its documents, layer by layer compared with what was unpacked.
struct ArchiveContents {
    struct Layer {
        let diffID: Digest
        /// nil where the store has the layer already.
        let outcome: LayerIntake.Outcome?
    }

    struct FoundImage {
        let id: Digest
        let configurationBytes: [UInt8]
        let configuration: ImageConfiguration
        var references: [Reference]
        /// Lowest first.
        let layers: [Layer]
        let manifest: StoredManifest?
        /// The image that it was made on, where it was made here.
        var parent: Digest?
    }

    private(set) var images: [FoundImage] = []
    private let members: [String: ArchiveReader.Member]
    private let platform: Platform

    private static let indexDepth = 8

    /// - Throws: `ImageError` (`corruptedArchive`, `unsupported`)
    init(_ members: [String: ArchiveReader.Member], platform: Platform) throws {
        self.members = members
        self.platform = platform
        if members["manifest.json"] != nil {
            try readDockerManifests()
        } else if members["index.json"] != nil {
            try readLayout()
        } else if members["repositories"] != nil {
            throw ImageError(
                .unsupported,
                "archives of Docker before 1.10 (without manifest.json) are not supported: save it with a newer one"
            )
        } else {
            throw ImageError(
                .corruptedArchive, "not an image archive: it has neither manifest.json nor index.json")
        }
        guard !images.isEmpty else { throw ImageError(.corruptedArchive, "the archive holds no image") }
    }

    // MARK: - Members

    private func member(_ name: String) -> ArchiveReader.Member? {
        var name = name
        for _ in 0..<8 {
            guard case .link(let target) = members[name] else { return members[name] }
            name = target
        }
        return nil
    }

    private func document(_ name: String) throws -> [UInt8] {
        guard case .document(let bytes) = member(name) else {
            throw ImageError(.corruptedArchive, "the archive is corrupted: \"\(name)\" is missing")
        }
        return bytes
    }

    private func parse<T: Decodable>(_ name: String, _ bytes: [UInt8]) throws -> T {
        do {
            return try JSONValue(parsing: bytes).decode()
        } catch let error as JSONSyntaxError {
            throw ImageError(.corruptedArchive, "\"\(name)\": \(error)")
        } catch let error as DecodingError {
            throw ImageError(.corruptedArchive, "\"\(name)\": \(error.summary)")
        }
    }

    private func layer(_ name: String) throws -> (digest: Digest, layer: Layer) {
        switch member(name) {
        case .layer(let intake):
            let outcome = try intake.outcome()
            return (outcome.digest, Layer(diffID: outcome.record.diffID, outcome: outcome))
        case .known(let diffID):
            return (Digest(hex: name.suffix(64)) ?? diffID, Layer(diffID: diffID, outcome: nil))
        case .other(let reason):
            throw ImageError(.unsupported, "layer \"\(name)\": \(reason)")
        case .document, .link, nil:
            throw ImageError(.corruptedArchive, "the archive is corrupted: layer \"\(name)\" is missing")
        }
    }

    private func configuration(_ name: String) throws -> (bytes: [UInt8], value: ImageConfiguration) {
        let bytes = try document(name)
        let value: ImageConfiguration = try parse(name, bytes)
        guard value.os.isEmpty || value.os == "linux" else {
            throw ImageError(.unsupported, "cannot load an image for \(value.os): only Linux images run here")
        }
        return (bytes, value)
    }

    // MARK: - docker save

    private struct DockerManifest: Decodable {
        let config: String
        let repoTags: [String]?
        let layers: [String]?

        enum CodingKeys: String, CodingKey {
            case config = "Config"
            case repoTags = "RepoTags"
            case layers = "Layers"
        }
    }

    private mutating func readDockerManifests() throws {
        let manifests: [DockerManifest] = try parse("manifest.json", try document("manifest.json"))
        for manifest in manifests {
            let (bytes, configuration) = try self.configuration(Self.clean(manifest.config))
            let id = sha256(bytes)
            let base = manifest.config.split(separator: "/").last.map(String.init) ?? ""
            if let named = Digest(hex: base.replacingSuffix(".json")) {
                try ArchiveReader.verify(manifest.config, expected: named, actual: id)
            }
            var references: [Reference] = []
            for text in manifest.repoTags ?? [] {
                do {
                    references.append(try Reference(text).withDefaultTag)
                } catch {
                    throw ImageError(.corruptedArchive, "invalid tag \"\(text)\": \(error.message)")
                }
            }
            let layers = try (manifest.layers ?? []).map { try layer(Self.clean($0)).layer }
            try add(id, bytes, configuration, references, layers, manifest: nil)
        }
    }

    private static func clean(_ name: String) -> String {
        name.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    private mutating func add(
        _ id: Digest, _ bytes: [UInt8], _ configuration: ImageConfiguration, _ references: [Reference],
        _ layers: [Layer], manifest: StoredManifest?
    ) throws {
        let expected = configuration.rootFilesystem.diffIDs
        try ImageStore.checkLayerCount(expected)
        guard expected.count == layers.count else {
            throw ImageError(
                .corruptedArchive,
                "invalid manifest, layers length mismatch: expected \(expected.count), got \(layers.count)")
        }
        for (diffID, layer) in zip(expected, layers) where diffID != layer.diffID {
            throw ImageError(
                .corruptedArchive,
                "the archive is corrupted: a layer of image \(id.short) has the digest \(layer.diffID), "
                    + "its configuration says \(diffID)")
        }
        if let index = images.firstIndex(where: { $0.id == id }) {
            images[index].references += references.filter { !images[index].references.contains($0) }
        } else {
            images.append(
                FoundImage(
                    id: id, configurationBytes: bytes, configuration: configuration, references: references,
                    layers: layers, manifest: manifest))
        }
    }

    // MARK: - OCI layout

    private mutating func readLayout() throws {
        let index: ImageIndex = try parse("index.json", try document("index.json"))
        let isOnlyOne = index.manifests.count == 1
        for descriptor in index.manifests {
            let before = images.count
            try read(descriptor, references: references(of: descriptor), depth: 0, isRequired: isOnlyOne)
            if before == images.count, isOnlyOne {
                throw ImageError(.unsupported, "the archive has no image for \(platform)")
            }
        }
    }

    /// - Parameter isRequired: whether a manifest for another platform is taken for want of anything else
    private mutating func read(
        _ descriptor: ContentDescriptor, references: [Reference], depth: Int, isRequired: Bool
    ) throws {
        guard depth < Self.indexDepth else {
            throw ImageError(.corruptedArchive, "image indexes are nested too deeply")
        }
        let name = try Self.blobName(descriptor)
        if MediaType.isIndex(descriptor.mediaType) {
            let index: ImageIndex = try parse(name, try document(name))
            // `save` of one platform of an image leaves an index whose other manifests are not there.
            let candidates = index.candidates(for: platform).filter {
                member("blobs/\($0.digest.algorithm.rawValue)/\($0.digest.hex)") != nil
            }
            guard let best = candidates.first else {
                throw ImageError(.unsupported, "the archive has no image for \(platform)")
            }
            return try read(best, references: references, depth: depth + 1, isRequired: true)
        }
        guard MediaType.isManifest(descriptor.mediaType) else {
            throw ImageError(.unsupported, "the archive holds a \(descriptor.mediaType), which is no image")
        }
        if !isRequired, let theirs = descriptor.platform, platform.distance(to: theirs) == nil { return }
        let content = try document(name)
        let manifest: ImageManifest = try parse(name, content)
        guard MediaType.isConfig(manifest.config.mediaType) else {
            throw ImageError(
                .unsupported,
                "\(descriptor.digest) is an artifact (\(manifest.config.mediaType)), not an image")
        }
        let (bytes, configuration) = try self.configuration(try Self.blobName(manifest.config))
        let layers = try manifest.layers.map { descriptor in
            let name = try Self.blobName(descriptor)
            let (digest, layer) = try self.layer(name)
            try ArchiveReader.verify(name, expected: descriptor.digest, actual: digest)
            return layer
        }
        let stored = StoredManifest(
            digest: descriptor.digest, mediaType: descriptor.mediaType, content: content)
        try add(sha256(bytes), bytes, configuration, references, layers, manifest: stored)
    }

    /// Of content whose bytes were compared with its name when they came.
    private static func blobName(_ descriptor: ContentDescriptor) throws -> String {
        guard descriptor.digest.algorithm == .sha256 else {
            throw ImageError(
                .unsupported, "\(descriptor.digest): images of other digests than sha256 cannot be loaded")
        }
        return "blobs/sha256/\(descriptor.digest.hex)"
    }

    /// containerd's annotation holds the whole name; OCI's holds a tag, or with some tools the whole name.
    private func references(of descriptor: ContentDescriptor) -> [Reference] {
        let annotations = descriptor.annotations ?? [:]
        if let name = annotations["io.containerd.image.name"], let reference = try? Reference(name) {
            return [reference.withDefaultTag]
        }
        guard let name = annotations["org.opencontainers.image.ref.name"],
            name.contains(where: { "/:".contains($0) }),
            let reference = try? Reference(name)
        else { return [] }
        return [reference.withDefaultTag]
    }
}

extension ArchiveContents.FoundImage {
    /// An image whose layers the store has already.
    /// - Throws: `ImageError` (`corruptedArchive`) where the bytes are no image's configuration
    init(pulled bytes: [UInt8], references: [Reference], manifest: StoredManifest) throws {
        let configuration: ImageConfiguration
        do {
            configuration = try JSONValue(parsing: bytes).decode()
        } catch {
            throw ImageError(
                .corruptedArchive, "the image's configuration is damaged: \(error)", cause: error)
        }
        self.init(
            id: sha256(bytes), configurationBytes: bytes, configuration: configuration,
            references: references,
            layers: configuration.rootFilesystem.diffIDs.map {
                ArchiveContents.Layer(diffID: $0, outcome: nil)
            },
            manifest: manifest)
    }
}

extension String {
    /// Without `suffix`, where it has that.
    fileprivate func replacingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
