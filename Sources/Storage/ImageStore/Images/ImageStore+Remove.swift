package import OCIModel
import Synchronization

extension ImageStore {
    /// Removes a name, or the image with its last name, as `docker rmi`.
    /// - Parameter uses: the containers that use an image; asked while no other change can run, so it must not
    ///   change anything here
    /// - Throws: `ImageError` with Docker's messages, `conflict` among them
    package func remove(
        _ name: String, force: Bool, pruneParents: Bool, uses: (Digest) throws -> [ImageUse]
    ) throws -> [ImageRemoval] {
        try changes.withLock {
            let image = try self.image(name)
            return try withoutActuallyEscaping(uses) { uses in
                var removal = Removal(store: self, force: force, pruneParents: pruneParents, uses: uses)
                try removal.run(image, name: name)
                return removal.log
            }
        }
    }
}

/// One `docker rmi`. The rules are those of Docker's daemon, whose messages tools compare.
private struct Removal {
    let store: ImageStore
    let force: Bool
    let pruneParents: Bool
    let uses: (Digest) throws -> [ImageUse]
    var log: [ImageRemoval] = []

    init(store: ImageStore, force: Bool, pruneParents: Bool, uses: @escaping (Digest) throws -> [ImageUse]) {
        self.store = store
        self.force = force
        self.pruneParents = pruneParents
        self.uses = uses
    }

    mutating func run(_ image: Image, name: String) throws {
        let isSingle = Self.isSingle(image.references)
        if ImageStore.isID(name, of: image.id) {
            if isSingle {
                try check(image, soft: !force, names: false)
                for reference in image.references { try untag(reference, image.id) }
            }
        } else {
            if !force, isSingle, let use = try uses(image.id).first {
                throw ImageError(
                    .conflict,
                    "conflict: unable to remove repository reference \"\(name)\" (must force) - container "
                        + "\(use.containerID.prefix(12)) is using its referenced image \(image.id.short)")
            }
            let parsed = try Reference(name)
            let removed = parsed.digest.map { parsed.with(digest: $0) } ?? parsed.withDefaultTag
            try untag(removed, image.id)
            try untagDigests(of: removed, image.id)
            if !(references(image.id).isEmpty) { return }
        }
        try delete(image.id, quiet: false)
    }

    private func references(_ id: Digest) -> [Reference] {
        store.state.withLock { $0.images[id]?.references ?? [] }
    }

    /// Whether all names are in one repository, with one tag at most.
    private static func isSingle(_ references: [Reference]) -> Bool {
        guard let first = references.first else { return true }
        return references.allSatisfy { $0.name == first.name } && references.count { $0.digest == nil } <= 1
    }

    private mutating func untag(_ reference: Reference, _ image: Digest) throws {
        try store.database.commit { try StoreDatabase.remove(reference, $0) }
        store.state.withLock { state in
            state.references[reference] = nil
            state.refresh(image)
        }
        log.append(.untagged(reference: reference.familiar, image: image))
    }

    /// With the last tag of a repository its digests go too.
    private mutating func untagDigests(of removed: Reference, _ image: Digest) throws {
        let same = references(image).filter { $0.name == removed.name }
        guard removed.digest == nil, same.allSatisfy({ $0.digest != nil }) else { return }
        for reference in same { try untag(reference, image) }
    }

    /// - Parameters:
    ///   - soft: whether conflicts count that force would overrule
    ///   - names: whether having names is such a conflict
    private func check(_ image: Image, soft: Bool, names: Bool) throws {
        func conflict(_ hard: Bool, _ reason: String) -> ImageError {
            ImageError(
                .conflict,
                "conflict: unable to delete \(image.id.short) (\(hard ? "cannot" : "must") be forced) - \(reason)"
            )
        }
        guard store.state.withLock({ $0.children(of: image.id).isEmpty }) else {
            throw conflict(true, "image has dependent child images")
        }
        let uses = try self.uses(image.id)
        if let running = uses.first(where: \.isRunning) {
            throw conflict(true, "image is being used by running container \(running.containerID.prefix(12))")
        }
        guard soft else { return }
        if names, !references(image.id).isEmpty {
            throw conflict(false, "image is referenced in multiple repositories")
        }
        if let stopped = uses.first {
            throw conflict(
                false, "image is being used by stopped container \(stopped.containerID.prefix(12))")
        }
    }

    /// - Parameter quiet: a parent, which goes only where nothing speaks against it
    private mutating func delete(_ id: Digest, quiet: Bool) throws {
        guard let image = store.state.withLock({ $0.images[id] }) else { return }
        do {
            try check(image, soft: !force || quiet, names: true)
        } catch let error as ImageError where error.code == .conflict && quiet {
            return
        }
        for reference in image.references { log.append(.untagged(reference: reference.familiar, image: id)) }
        try store.database.commit { try StoreDatabase.removeImage(id, $0) }
        let chains = store.state.withLock { state in
            for reference in image.references { state.references[reference] = nil }
            state.images[id] = nil
            state.lastUse[id] = nil
            state.recordedUse[id] = nil
            return unusedChains(of: image, in: state)
        }
        try store.collect(image.configuration.rootFilesystem.diffIDs)
        log.append(.deletedImage(id))
        log += chains.map { .deletedLayer($0) }
        if pruneParents, let parent = image.parent { try delete(parent, quiet: true) }
    }

    /// The chain ids that went with the image, the topmost first, as Docker counts layers: it unpacks one for every
    /// different stack of layers below it.
    private func unusedChains(of image: Image, in state: StoreState) -> [Digest] {
        let kept = Set(state.images.values.flatMap(\.chainIDs))
        let inContainers = Set(state.containers.values.flatMap(\.held))
        return zip(image.chainIDs, image.configuration.rootFilesystem.diffIDs).reversed()
            .filter { !kept.contains($0.0) && !inContainers.contains($0.1) }.map(\.0)
    }
}
