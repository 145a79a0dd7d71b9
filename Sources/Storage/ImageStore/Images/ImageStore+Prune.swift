package import OCIModel
import Synchronization

/// Which images `prune` takes, of those that no container uses.
package struct ImagePruneFilter: Sendable {
    /// Only those without a name.
    package var dangling = true
    /// Only those that were made before.
    package var until: Timestamp?
    /// All of these.
    package var labels: [ImageFilter.Label] = []
    /// None of these.
    package var labelsNot: [ImageFilter.Label] = []

    package init() {}
}

extension ImageStore {
    /// Removes images that nothing uses, and blobs that came half and that nobody is fetching.
    /// - Parameter uses: the containers that use an image
    /// - Returns: what went, and the bytes that it had
    package func prune(
        _ filter: ImagePruneFilter, uses: (Digest) throws -> [ImageUse]
    ) throws -> (removals: [ImageRemoval], reclaimed: Int64) {
        let before = state.withLock { $0.layers }
        var removals: [ImageRemoval] = []
        for image in candidates(filter) where try uses(image.id).isEmpty {
            removals += try removeUnused(image.id, uses: uses)
        }
        let after = state.withLock { Set($0.layers.keys) }
        var reclaimed = before.values.filter { !after.contains($0.diffID) }
            .reduce(0) { $0 + $1.size + ($1.blob?.size ?? 0) }
        reclaimed += try clearArrivals(olderThan: 0)
        return (removals, reclaimed)
    }

    /// Removes an image with all of its names; no more than possible where somebody takes it into use meanwhile.
    func removeUnused(_ id: Digest, uses: (Digest) throws -> [ImageUse]) throws -> [ImageRemoval] {
        var removals: [ImageRemoval] = []
        do {
            // The last tag of a repository takes its digests along.
            while let reference = state.withLock({ $0.images[id]?.references.first }) {
                removals += try remove(reference.familiar, force: false, pruneParents: true, uses: uses)
            }
            if state.withLock({ $0.images[id] != nil }) {
                removals += try remove(id.description, force: false, pruneParents: true, uses: uses)
            }
        } catch let error as ImageError where error.code == .conflict || error.code == .imageNotFound {
            return removals
        }
        return removals
    }

    /// Younger images first, so that children go before their parents.
    private func candidates(_ filter: ImagePruneFilter) -> [Image] {
        state.withLock { state in
            let parents = Set(state.images.values.compactMap(\.parent))
            return state.images.values.filter { image in
                if filter.dangling, !image.references.isEmpty || parents.contains(image.id) { return false }
                if let until = filter.until, image.created >= until { return false }
                let labels = image.configuration.config.labels
                func has(_ label: ImageFilter.Label) -> Bool {
                    labels[label.name].map { label.value == nil || label.value == $0 } ?? false
                }
                return filter.labels.allSatisfy(has) && !filter.labelsNot.contains(where: has)
            }.sorted { ($1.created, $0.id.hex) < ($0.created, $1.id.hex) }
        }
    }
}
