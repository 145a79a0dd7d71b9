import ImageStore
import JSONCodec
package import OCIModel
package import RegistryClient

extension RegistryService {
    /// Pulls an image, or all tags of a repository.
    /// - Parameters:
    ///   - name: without tag and digest for all tags
    ///   - platform: nil for this machine's
    ///   - report: called from several threads
    /// - Throws: `EngineError`, `RegistryError`, `ImageError`
    package func pull(
        _ name: Reference, platform: Platform?, credentials: RegistryCredentials,
        report: @escaping TransferReport
    ) async throws {
        let (store, settings, budget) = (store, settings, budget)
        let pulled = try await interruptible { interrupter in
            let repository = try Repository(
                name, configuration: settings.client, credentials: credentials, interrupter: interrupter)
            let references =
                name.isNameOnly
                ? try asUser(name) { try repository.tags() }.map { name.with(tag: $0) } : [name]
            for reference in references {
                let pull = ImagePull(
                    reference: reference, repository: repository, store: store, platform: platform,
                    width: settings.parallelDownloads, interrupter: interrupter, budget: budget,
                    report: report)
                try pull.run()
            }
            return references
        }
        for reference in pulled {
            events.publish(.image, "pull", reference.familiar, ["name": reference.familiarName])
        }
    }
}

/// The pull of one image. Blocking.
private struct ImagePull: Sendable {
    let reference: Reference
    let repository: Repository
    let store: ImageStore
    let platform: Platform?
    let width: Int
    let interrupter: Interrupter
    let budget: StorageBudget?
    let report: TransferReport

    private static let indexDepth = 4

    func run() throws {
        let top = try asUser(reference) { try repository.manifest(ManifestSelector(reference)) }
        report(.message(id: ManifestSelector(reference).description, text: "Pulling from \(reference.path)"))
        let manifest = try choose(top, depth: 0)
        let image: ImageManifest = try parseDocument(manifest.bytes, "manifest")
        guard MediaType.isConfig(image.config.mediaType) else {
            throw EngineError(
                .notBuilt,
                "\(reference.familiar) is an artifact (\(image.config.mediaType)), not an image: it cannot be pulled"
            )
        }
        let configurationBytes = try repository.document(image.config)
        let configuration: ImageConfiguration = try parseDocument(configurationBytes, "configuration")
        try check(configuration, image)
        let before = try? store.image(reference.familiar).id
        let ingest = try store.beginIngest(parallelLayers: width)
        makeRoom(image.layers, configuration.rootFilesystem.diffIDs, ingest)
        try fetch(image.layers, configuration.rootFilesystem.diffIDs, into: ingest)
        _ = try ingest.commit(
            configuration: configurationBytes,
            manifest: (manifest.bytes, manifest.mediaType, manifest.digest),
            references: references(top.digest))
        budget?.enforce(keeping: [image.config.digest])
        report(.message(id: "", text: "Digest: \(top.digest)"))
        let isNew = before != image.config.digest
        report(
            .message(
                id: "",
                text: "Status: " + (isNew ? "Downloaded newer image" : "Image is up to date")
                    + " for \(reference.familiar)"))
    }

    /// Where there is no room for the layers that are missing, others go first; none that this image has.
    private func makeRoom(_ layers: [ContentDescriptor], _ diffIDs: [Digest], _ ingest: ImageIngest) {
        guard let budget else { return }
        let missing = zip(layers, diffIDs).filter { !ingest.keepIfPresent($0.1) }
        // A registry may announce any number.
        let bytes = missing.reduce(Int64(0)) { sum, layer in
            let (total, isTooLarge) = sum.addingReportingOverflow(max(0, layer.0.size))
            return isTooLarge ? .max : total
        }
        budget.enforce(awaiting: bytes)
    }

    private func references(_ digest: Digest) -> [Reference] {
        let byDigest = reference.with(digest: digest)
        guard let tag = reference.tag, reference.digest == nil else { return [byDigest] }
        return [reference.with(tag: tag), byDigest]
    }

    /// From an index to the manifest for the platform.
    private func choose(_ manifest: FetchedManifest, depth: Int) throws -> FetchedManifest {
        if MediaType.isManifest(manifest.mediaType) { return manifest }
        if (try? JSONValue(parsing: manifest.bytes))?["schemaVersion"]?.integerValue == 1 {
            throw EngineError(
                .notBuilt,
                "\(reference.familiar) has a manifest of Docker's schema 1 (\(manifest.mediaType)), which is not "
                    + "supported: its author has to push it again, as schema 2 or OCI")
        }
        guard MediaType.isIndex(manifest.mediaType), depth < Self.indexDepth else {
            throw EngineError(
                .notBuilt,
                "\(reference.familiar) is of the type \"\(manifest.mediaType)\", which is not supported: images are "
                    + "OCI manifests and indexes, and Docker's of schema version 2")
        }
        let index: ImageIndex = try parseDocument(manifest.bytes, "index")
        let wanted = platform ?? .host
        guard let best = index.candidates(for: wanted).first else {
            throw EngineError(
                .noSuchImage,
                "no matching manifest for \(wanted) in the manifest list entries of \(reference.familiar)")
        }
        return try choose(try repository.manifest(.digest(best.digest)), depth: depth + 1)
    }

    private func check(_ configuration: ImageConfiguration, _ image: ImageManifest) throws {
        guard configuration.os.isEmpty || configuration.os == "linux" else {
            throw EngineError(
                .notBuilt,
                "\(reference.familiar) is an image for \(configuration.os): only Linux images run here")
        }
        if let platform, platform.distance(to: configuration.platform) == nil {
            throw EngineError(
                .noSuchImage,
                "image with reference \(reference.familiar) was found but does not match the specified platform: wanted "
                    + "\(platform), actual: \(configuration.platform)")
        }
        let diffIDs = configuration.rootFilesystem.diffIDs
        guard diffIDs.count == image.layers.count else {
            throw EngineError(
                .stateCorrupted,
                "\(reference.familiar): invalid manifest, layers length mismatch: expected \(diffIDs.count), got \(image.layers.count)"
            )
        }
        try ImageStore.checkLayerCount(diffIDs)
        for layer in image.layers where layer.size < 0 {
            throw EngineError(
                .stateCorrupted, "\(reference.familiar): layer \(layer.digest) has a negative size")
        }
    }

    private func fetch(_ layers: [ContentDescriptor], _ diffIDs: [Digest], into ingest: ImageIngest) throws {
        for layer in layers { report(.layer(id: layer.digest.short, state: "Pulling fs layer")) }
        for layer in layers.dropFirst(width) { report(.layer(id: layer.digest.short, state: "Waiting")) }
        // A layer that an image has twice comes once.
        var seen: Set<Digest> = []
        let wanted = zip(layers, diffIDs).filter { seen.insert($0.1).inserted }
        try ParallelJobs.run(
            count: wanted.count, width: width,
            onFailure: {
                interrupter.cancel()
                ingest.cancel()
            }
        ) { index in
            let (layer, diffID) = wanted[index]
            try ingest.layer(
                layer, diffID: diffID,
                open: { offset in
                    let reader = repository.blob(layer, from: offset)
                    reader.onRetry = { _ in report(.layer(id: layer.digest.short, state: "Retrying")) }
                    return reader
                },
                report: { report(.init(layer.digest.short, $0)) })
        }
    }
}

extension BlobReader: ByteSource {}

extension TransferProgress {
    init(_ id: String, _ arrival: LayerArrival) {
        switch arrival {
        case .exists: self = .layer(id: id, state: "Already exists")
        case .waiting: self = .layer(id: id, state: "Waiting")
        case .downloading(let current, let total):
            self = .bytes(id: id, state: "Downloading", current: current, total: total)
        case .verifying: self = .layer(id: id, state: "Verifying Checksum")
        case .downloaded: self = .layer(id: id, state: "Download complete")
        case .extracting(let current, let total):
            self = .bytes(id: id, state: "Extracting", current: current, total: total)
        case .complete: self = .layer(id: id, state: "Pull complete")
        case .retrying: self = .layer(id: id, state: "Retrying")
        }
    }
}
