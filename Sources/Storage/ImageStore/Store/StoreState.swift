import OCIModel

/// What the store knows, in memory: every question is answered from here. Changed only after the database was.
struct StoreState: Sendable {
    var images: [Digest: Image] = [:]
    var references: [Reference: Digest] = [:]
    /// By diff id.
    var layers: [Digest: LayerRecord] = [:]
    /// Layers that somebody needs though no image may: a load under way, a save.
    private var pins: [Digest: Int] = [:]
    var containers: [String: ContainerLayer] = [:]
    /// Whether the engine has said which containers there are. Until then nothing is collected.
    var knowsContainers = false
    /// Images under way to a container layer or an archive, which no removal may take.
    private(set) var imagePins: [Digest: Int] = [:]

    /// When images were last used, as far as that is known.
    var lastUse: [Digest: Timestamp] = [:]
    /// What the database says of it.
    var recordedUse: [Digest: Timestamp] = [:]

    // MARK: - Pins

    /// - Returns: false where there is no such layer
    mutating func pinIfPresent(layer: Digest) -> Bool {
        guard layers[layer] != nil else { return false }
        pin(layer: layer)
        return true
    }

    mutating func pin(layer: Digest) { pins[layer, default: 0] += 1 }

    mutating func unpin(layer: Digest) {
        guard let count = pins[layer] else { return }
        pins[layer] = count > 1 ? count - 1 : nil
    }

    /// Of `candidates`, the layers that nothing needs.
    func unused(_ candidates: some Sequence<Digest>) -> [Digest] {
        guard knowsContainers else { return [] }
        let used = usedLayers
        return Set(candidates).filter { !used.contains($0) && pins[$0] == nil }.sorted { $0.hex < $1.hex }
    }

    /// Layers that stay even when all images go.
    var layersInUse: Set<Digest> { Set(pins.keys).union(containers.values.flatMap(\.held)) }

    private var usedLayers: Set<Digest> {
        var used: Set<Digest> = []
        for image in images.values { used.formUnion(image.configuration.rootFilesystem.diffIDs) }
        for container in containers.values { used.formUnion(container.held) }
        return used
    }

    // MARK: - Images

    func references(of image: Digest) -> [Reference] {
        references.filter { $0.value == image }.map(\.key).sorted { $0.description < $1.description }
    }

    /// Brings the image's names up to date with `references`.
    mutating func refresh(_ id: Digest, lastTagged: Timestamp? = nil) {
        guard let image = images[id] else { return }
        images[id] = image.with(references: references(of: id), lastTagged: lastTagged ?? image.lastTagged)
    }

    func children(of id: Digest) -> [Digest] { images.values.filter { $0.parent == id }.map(\.id) }
}

extension Image {
    func with(references: [Reference], lastTagged: Timestamp?) -> Image {
        Image(
            id: id, configuration: configuration, references: references, parent: parent, size: size,
            lastTagged: lastTagged, manifest: manifest, layerPaths: layerPaths)
    }

    /// Chain ids of the image's layers, lowest first (image-spec config.md, "Layer ChainID").
    var chainIDs: [Digest] {
        var chain: [Digest] = []
        for diffID in configuration.rootFilesystem.diffIDs {
            chain.append(chain.last.map { sha256("\($0) \(diffID)".utf8) } ?? diffID)
        }
        return chain
    }
}

/// The diff ids of an image from the top, each once: a second copy of a layer further down adds nothing to the first,
/// and the overlay refuses the same directory twice.
func overlayOrder(_ diffIDs: [Digest]) -> [Digest] {
    var seen: Set<Digest> = []
    return diffIDs.reversed().filter { seen.insert($0).inserted }
}
