import ImageStore
import JSONCodec
package import OCIModel
package import RegistryClient
import Synchronization

extension RegistryService {
    /// Pushes a tag, or all tags of a repository.
    /// - Parameters:
    ///   - name: without tag for all tags
    ///   - report: called from several threads
    /// - Throws: `EngineError`, `RegistryError`, `ImageError`
    package func push(
        _ name: Reference, credentials: RegistryCredentials, report: @escaping TransferReport
    ) async throws {
        let (store, settings) = (store, settings)
        guard name.digest == nil else {
            throw EngineError(.invalidParameter, "cannot push a digest reference: \(name.familiar)")
        }
        report(.message(id: "", text: "The push refers to repository [\(name.name)]"))
        let pushed = try await interruptible { interrupter in
            let names = try Self.names(name, store)
            let repository = try Repository(
                name, configuration: settings.client, credentials: credentials, interrupter: interrupter)
            for (reference, image) in names {
                let push = ImagePush(
                    reference: reference, repository: repository, export: try store.beginExport(image),
                    sources: try store.repositories(of: image, in: name.domain).filter { $0 != name.path },
                    width: settings.parallelUploads, interrupter: interrupter, report: report)
                let digest = try push.run()
                try store.addDigest(digest, of: name, to: image)
            }
            return names.map(\.0)
        }
        for reference in pushed {
            events.publish(.image, "push", reference.familiar, ["name": reference.familiarName])
        }
    }

    private static func names(_ name: Reference, _ store: ImageStore) throws -> [(Reference, Digest)] {
        if name.tag != nil {
            do {
                return [(name, try store.image(name.familiar).id)]
            } catch let error as ImageError where error.code == .imageNotFound {
                throw EngineError(.noSuchImage, "tag does not exist: \(name.familiar)", cause: error)
            }
        }
        let names = store.tags(of: name)
        guard !names.isEmpty else {
            throw EngineError(
                .noSuchImage, "An image does not exist locally with the tag: \(name.familiarName)")
        }
        return names
    }
}

/// The push of one image under one tag. Blocking.
private struct ImagePush: Sendable {
    let reference: Reference
    let repository: Repository
    let export: ImageExport
    /// Paths of repositories of the same registry that the image came from or went to.
    let sources: [String]
    let width: Int
    let interrupter: Interrupter
    let report: TransferReport

    /// - Returns: the digest of the manifest
    func run() throws -> Digest {
        let descriptors = try pushLayers()
        let manifest = try makeManifest(descriptors)
        try pushConfiguration(manifest.configuration)
        let tag = reference.tag ?? Reference.defaultTag
        let digest = try repository.put(manifest.bytes, mediaType: manifest.mediaType, as: .tag(tag))
        report(
            .message(id: "", text: "\(tag): digest: \(digest) size: \(manifest.bytes.count)"))
        report(.pushed(tag: tag, digest: digest, size: manifest.bytes.count))
        return digest
    }

    // MARK: - Layers

    private func pushLayers() throws -> [ContentDescriptor] {
        for layer in export.layers { report(.layer(id: layer.diffID.short, state: "Preparing")) }
        for layer in export.layers.dropFirst(width) {
            report(.layer(id: layer.diffID.short, state: "Waiting"))
        }
        var positions: [Digest: Int] = [:]
        for (position, layer) in export.layers.enumerated() {
            positions[layer.diffID] = positions[layer.diffID] ?? position
        }
        let unique = positions.values.sorted()
        let results = Mutex<[Digest: ContentDescriptor]>([:])
        try ParallelJobs.run(count: unique.count, width: width, onFailure: { interrupter.cancel() }) {
            index in
            let layer = export.layers[unique[index]]
            let descriptor = try push(layer)
            results.withLock { $0[layer.diffID] = descriptor }
        }
        return try results.withLock { results in
            try export.layers.map { layer in
                guard let descriptor = results[layer.diffID] else {
                    throw EngineError(.engineBug, "layer \(layer.diffID) was not pushed")
                }
                return descriptor
            }
        }
    }

    private func push(_ layer: ExportedLayer) throws -> ContentDescriptor {
        let id = layer.diffID.short
        if let known = layer.descriptor {
            if try repository.sizeOfBlob(known.digest) != nil {
                report(.layer(id: id, state: "Layer already exists"))
                return known
            }
            for source in sources where try repository.mount(known.digest, from: source) {
                report(.layer(id: id, state: "Mounted from \(source)"))
                return known
            }
            if layer.isAvailable, try upload(layer, known) { return known }
            if let fetched = try pushFromElsewhere(layer, known) { return fetched }
        }
        return try pushCompressed(layer)
    }

    /// - Returns: false where the registry found other bytes than that form has: who compresses again with another
    ///   version of a library may get others
    private func upload(_ layer: ExportedLayer, _ known: ContentDescriptor) throws -> Bool {
        let id = layer.diffID.short
        do {
            try repository.upload(known.digest, size: known.size) { offset in
                LayerBody(try export.open(layer, from: offset), id, known.size, offset, report)
            }
        } catch let error as RegistryError {
            guard error.code == .invalidAnswer, !layer.isKept else { throw error }
            return false
        }
        report(.layer(id: id, state: "Pushed"))
        return true
    }

    /// A compressed layer that was not kept: its bytes may still be where it came from, in this registry.
    private func pushFromElsewhere(
        _ layer: ExportedLayer, _ known: ContentDescriptor
    ) throws -> ContentDescriptor? {
        for path in sources {
            let name = Reference(domain: reference.domain, path: path, tag: nil, digest: nil)
            guard let source = repository.sibling(name) else { continue }
            do {
                guard try source.sizeOfBlob(known.digest) != nil else { continue }
                try repository.upload(known.digest, size: known.size) { offset in
                    LayerBody(
                        source.blob(known, from: offset), layer.diffID.short, known.size, offset, report)
                }
                report(.layer(id: layer.diffID.short, state: "Pushed"))
                return known
            } catch let error as RegistryError where error.code != .cancelled {
                continue
            }
        }
        return nil
    }

    private func pushCompressed(_ layer: ExportedLayer) throws -> ContentDescriptor {
        let id = layer.diffID.short
        let current = Mutex<CompressedBody?>(nil)
        var descriptor: ContentDescriptor?
        try repository.upload(
            make: {
                let body = CompressedBody(try export.compress(layer), id, layer.archiveSize, report)
                current.withLock { $0 = body }
                return body
            },
            digest: {
                guard let body = current.withLock({ $0 }) else {
                    throw EngineError(.engineBug, "an upload ended before it began")
                }
                let made = ContentDescriptor(
                    mediaType: MediaType.ociLayerGzip, digest: body.source.digest, size: body.source.size)
                descriptor = made
                return made.digest
            })
        guard let descriptor else { throw EngineError(.engineBug, "an upload has no digest") }
        try export.remember(layer, descriptor)
        report(.layer(id: id, state: "Pushed"))
        return descriptor
    }

    // MARK: - Documents

    private struct Manifest {
        let bytes: [UInt8]
        let mediaType: String
        let configuration: ContentDescriptor
    }

    /// The manifest that the image came with where the layers have those digests; else one of the layers as they are.
    private func makeManifest(_ layers: [ContentDescriptor]) throws -> Manifest {
        if let stored = export.manifest {
            let image: ImageManifest = try parseDocument(stored.bytes, "stored manifest")
            if image.layers.map(\.digest) == layers.map(\.digest) {
                return Manifest(
                    bytes: stored.bytes, mediaType: stored.mediaType, configuration: image.config)
            }
        }
        let configuration = ContentDescriptor(
            mediaType: MediaType.ociConfig, digest: export.id, size: Int64(export.configuration.count))
        // Layers that came under Docker's media types keep their bytes and get OCI's names for them.
        let renamed = layers.map { layer in
            ContentDescriptor(
                mediaType: layer.mediaType == MediaType.dockerLayerGzip
                    ? MediaType.ociLayerGzip : layer.mediaType,
                digest: layer.digest, size: layer.size)
        }
        let bytes = try JSONValue(encoding: ImageManifest(config: configuration, layers: renamed)).bytes()
        return Manifest(bytes: bytes, mediaType: MediaType.ociManifest, configuration: configuration)
    }

    private func pushConfiguration(_ descriptor: ContentDescriptor) throws {
        if try repository.sizeOfBlob(descriptor.digest) != nil { return }
        let bytes = export.configuration
        try repository.upload(descriptor.digest, size: Int64(bytes.count)) { offset in
            SourceBody(MemorySource(Array(bytes[Int(offset)...])))
        }
    }
}

/// What the store gives out, as the body of an upload.
private final class SourceBody: BodySource {
    private let source: any ByteSource

    init(_ source: any ByteSource) { self.source = source }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try source.read(into: buffer) }
}

/// The same, telling how far it is.
private final class LayerBody: BodySource {
    private let source: any ByteSource
    private let id: String
    private let total: Int64
    private var current: Int64
    private let report: TransferReport

    init(
        _ source: any ByteSource, _ id: String, _ total: Int64, _ offset: Int64,
        _ report: @escaping TransferReport
    ) {
        self.source = source
        self.id = id
        self.total = total
        self.report = report
        current = offset
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try source.read(into: buffer)
        current += Int64(count)
        if count > 0 { report(.bytes(id: id, state: "Pushing", current: current, total: total)) }
        return count
    }
}

/// A layer that is compressed while it goes out; its total is that of the plain archive, as Docker shows it.
// Unchecked: one upload reads it, on one thread at a time.
private final class CompressedBody: BodySource, @unchecked Sendable {
    let source: CompressingSource
    private let id: String
    private let total: Int64
    private let report: TransferReport

    init(_ source: CompressingSource, _ id: String, _ total: Int64, _ report: @escaping TransferReport) {
        self.source = source
        self.id = id
        self.total = total
        self.report = report
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try source.read(into: buffer)
        if count > 0 {
            report(.bytes(id: id, state: "Pushing", current: min(source.size, total), total: total))
        }
        return count
    }
}
