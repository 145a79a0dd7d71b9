package import ImageStore
package import OCIModel

/// Images: Docker's `/images`, over the image store.
package final class ImageService: Sendable {
    private let store: ImageStore
    private let pool: BlockingPool
    private let events: EventService
    /// The containers that use an image.
    private let uses: @Sendable (Digest) -> [ImageUse]
    private let budget: StorageBudget?

    init(
        store: ImageStore, pool: BlockingPool, events: EventService, budget: StorageBudget?,
        uses: @escaping @Sendable (Digest) -> [ImageUse]
    ) {
        self.store = store
        self.pool = pool
        self.events = events
        self.budget = budget
        self.uses = uses
    }

    /// Newest first.
    package func list(all: Bool, filters: Filters) throws -> [Image] {
        try store.list(try Self.filter(all: all, filters))
    }

    /// `overlay2` or `vfs`: what makes containers' file systems.
    package var storageDriver: String { store.driver.rawValue }

    /// - Throws: `EngineError` (`noSuchImage`) where the image is not for `platform`
    package func inspect(_ name: String, platform: Platform? = nil) throws -> Image {
        let image = try store.image(name)
        if let platform, !image.configuration.platform.isSame(as: platform) {
            throw EngineError(
                .noSuchImage,
                "image with reference \(name) was found but its platform (\(image.configuration.platform)) does not "
                    + "match the specified platform (\(platform))")
        }
        return image
    }

    /// - Throws: `EngineError` (`noSuchImage`) where the image is not for `platform`
    package func require(_ platform: Platform, of name: String) throws {
        _ = try inspect(name, platform: platform)
    }

    /// How many containers use each image.
    package func containerCount(_ id: Digest) -> Int { uses(id).count }

    /// Ids of the containers that use an image.
    package func containers(_ id: Digest) -> [String] { uses(id).map(\.containerID) }

    /// The manifest that an image came with; nil where it came without one.
    package func manifest(of id: Digest) async throws -> ContentDescriptor? {
        let store = store
        return try await pool.run { try store.manifest(of: id) }
    }

    package func history(_ name: String, platform: Platform? = nil) throws -> [ImageHistoryEntry] {
        if let platform { try require(platform, of: name) }
        return try store.history(name)
    }

    package func diskUsage() async throws -> ImageDiskUsage {
        let store = store
        return try await pool.run { store.diskUsage() }
    }

    package func tag(_ name: String, repository: String, tag: String?) async throws {
        let store = store
        let result = try await pool.run {
            let (image, reference) = try store.tag(name, repository: repository, tag: tag)
            return (image: image, reference: reference)
        }
        events.publish(.image, "tag", result.image.description, ["name": result.reference.familiar])
    }

    package func remove(_ name: String, force: Bool, pruneParents: Bool) async throws -> [ImageRemoval] {
        let (store, uses) = (store, uses)
        let removals = try await pool.run {
            try store.remove(name, force: force, pruneParents: pruneParents, uses: uses)
        }
        publish(removals)
        return removals
    }

    private func publish(_ removals: [ImageRemoval]) {
        for removal in removals {
            switch removal {
            case .untagged(_, let image): publish("untag", image)
            case .deletedImage(let image): publish("delete", image)
            case .deletedLayer: break
            }
        }
    }

    /// Removes images that no container uses: those without a name, or all.
    package func prune(_ filters: Filters) async throws -> (removals: [ImageRemoval], reclaimed: Int64) {
        let (store, uses) = (store, uses)
        let filter = try Self.pruneFilter(filters)
        let (removals, reclaimed) = try await pool.run {
            let result = try store.prune(filter, uses: uses)
            return (result.removals, result.reclaimed)
        }
        publish(removals)
        events.publish(.image, "prune", "", ["reclaimed": "\(reclaimed)"])
        return (removals, reclaimed)
    }

    private static func pruneFilter(_ filters: Filters) throws -> ImagePruneFilter {
        try filters.require(keys: ["dangling", "label", "label!", "until"])
        var filter = ImagePruneFilter()
        filter.dangling = try filters.flag("dangling") ?? true
        filter.labels = filters["label"].map { ImageFilter.Label($0) }
        filter.labelsNot = filters["label!"].map { ImageFilter.Label($0) }
        if let text = filters["until"].first {
            guard let time = PruneTime.parse(text, now: .now) else {
                throw EngineError.invalid("invalid filter 'until=\(text)'")
            }
            filter.until = time
        }
        return filter
    }

    /// What the store occupies, in the measure of `du`.
    package func usage() async throws -> StoreUsage {
        let store = store
        return try await pool.run { try store.usage() }
    }

    /// Loads an archive that is read to its end.
    /// - Parameters:
    ///   - source: called once, on the thread that reads
    ///   - platform: only images for it; nil for this machine's choice
    ///   - progress: called from other threads
    package func load(
        from source: @escaping @Sendable () throws -> any ByteSource, platform: Platform? = nil,
        progress: (@Sendable (LoadProgress) -> Void)? = nil
    ) async throws -> LoadResult {
        let (store, budget) = (store, budget)
        let result = try await pool.runAlone {
            let result = try store.load(from: try source(), platform: platform, progress: progress)
            budget?.enforce(keeping: Set(result.images.map(\.id)))
            return result
        }
        for image in result.images {
            events.publish(
                .image, "load", image.id.description,
                ["name": image.references.first?.familiar ?? image.id.description])
        }
        return result
    }

    /// Writes an archive of the named images.
    /// - Parameters:
    ///   - platform: what all of them must be for
    ///   - sink: called once, on the thread that writes, after the images were found
    package func save(
        _ names: [String], platform: Platform? = nil, to sink: @escaping @Sendable () throws -> any ByteSink
    ) async throws {
        let store = store
        let images = try names.map { (name: $0, id: try inspect($0, platform: platform).id) }
        for image in images { events.publish(.image, "save", image.id.description, ["name": image.name]) }
        try await pool.runAlone { try store.save(names, to: try sink()) }
    }

    /// Makes an image of a root filesystem's tar.
    package func importRootFilesystem(
        from source: @escaping @Sendable () throws -> any ByteSource, reference: String?, message: String,
        changes: [String], platform: Platform?, origin: String?
    ) async throws -> Digest {
        let (store, budget) = (store, budget)
        let id = try await pool.runAlone {
            let id = try store.importRootFilesystem(
                from: try source(), reference: reference, message: message,
                changes: changes, platform: platform, origin: origin)
            budget?.enforce(keeping: [id])
            return id
        }
        events.publish(.image, "import", id.description, ["name": reference ?? id.description])
        return id
    }

    private func publish(_ action: String, _ image: Digest) {
        events.publish(.image, action, image.description, ["name": image.description])
    }

    private static func filter(all: Bool, _ filters: Filters) throws -> ImageFilter {
        try filters.require(keys: ["before", "dangling", "label", "label!", "reference", "since", "until"])
        var filter = ImageFilter()
        filter.all = all
        filter.references = filters["reference"]
        filter.dangling = try filters.flag("dangling")
        filter.labels = filters["label"].map { ImageFilter.Label($0) }
        filter.labelsNot = filters["label!"].map { ImageFilter.Label($0) }
        filter.before = filters["before"]
        filter.since = filters["since"]
        if let text = filters["until"].first {
            guard let time = Timestamp(rfc3339: text) ?? Int64(text).map({ Timestamp(seconds: $0) }) else {
                throw EngineError.invalid("invalid filter 'until=\(text)'")
            }
            filter.until = time
        }
        return filter
    }
}
