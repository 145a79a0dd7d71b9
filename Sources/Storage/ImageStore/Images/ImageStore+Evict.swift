package import GRDB
import Glibc
import LinuxKernel
package import OCIModel
import Synchronization

/// What an eviction removed.
package struct Eviction: Sendable {
    package var removals: [ImageRemoval] = []
    /// Bytes.
    package var reclaimed: Int64 = 0
    /// Bytes that should have become free and could not: everything left is in use.
    package var missing: Int64 = 0

    package init() {}
}

/// What the file system of the store has.
package struct FileSystemSpace: Sendable, Equatable {
    /// Bytes.
    package let total: Int64
    package let used: Int64
    /// Bytes that files can still take.
    package let available: Int64
}

extension ImageStore {
    /// Notes that an image is used now.
    /// - Returns: whether it should be recorded: the record is only as fine as a minute, so that starts cost no writes
    package func noteUse(_ id: Digest, at time: Timestamp = .now) -> Bool {
        state.withLock { state in
            guard state.images[id] != nil else { return false }
            state.lastUse[id] = time
            guard time.seconds - (state.recordedUse[id]?.seconds ?? 0) >= 60 else { return false }
            state.recordedUse[id] = time
            return true
        }
    }

    package static func recordUse(_ id: Digest, at time: Timestamp, _ database: Database) throws {
        // The image may have gone meanwhile.
        try database.execute(
            sql: "INSERT OR REPLACE INTO image_uses SELECT id, ? FROM images WHERE id = ?",
            arguments: [time.seconds, id.description])
    }

    package func space() throws -> FileSystemSpace {
        var status = statvfs()
        let path = paths.overlay
        try systemCall("statvfs", path) { statvfs(path, &status) }
        let unit = Int64(status.f_frsize)
        return FileSystemSpace(
            total: Int64(status.f_blocks) * unit, used: Int64(status.f_blocks - status.f_bfree) * unit,
            available: Int64(status.f_bavail) * unit)
    }

    /// Removes what nobody uses until enough bytes are free: first blobs that came half and that nobody is fetching, then
    /// the images that were used least recently. Returns when the bytes are free.
    /// - Parameters:
    ///   - keeping: images that stay
    ///   - needed: how many bytes; asked while no other eviction runs
    ///   - uses: the containers that use an image
    package func evict(
        keeping: Set<Digest>, uses: (Digest) throws -> [ImageUse], needed: () throws -> Int64
    ) throws -> Eviction {
        try evictions.withLock {
            var eviction = Eviction()
            eviction.missing = try needed()
            guard eviction.missing > 0 else { return eviction }
            let halves = try clearArrivals(olderThan: 0)
            eviction.reclaimed += halves
            eviction.missing -= halves
            while eviction.missing > 0 {
                let going = try chooseEvicted(eviction.missing, keeping, uses)
                let before = eviction.reclaimed
                for id in going where try uses(id).isEmpty {
                    let sizes = try layerSizes()
                    eviction.removals += try removeUnused(id, uses: uses)
                    let left = state.withLock { Set($0.layers.keys) }
                    eviction.reclaimed += sizes.reduce(0) { left.contains($1.key) ? $0 : $0 + $1.value }
                }
                eviction.missing -= eviction.reclaimed - before
                // Nothing that is left can go, or somebody took all of it into use meanwhile.
                if eviction.reclaimed == before { break }
            }
            trash.waitUntilEmpty()
            return eviction
        }
    }

    private func layerSizes() throws -> [Digest: Int64] {
        try state.withLock { $0.layers }.mapValues { try measure($0) }
    }

    private func chooseEvicted(
        _ needed: Int64, _ keeping: Set<Digest>, _ uses: (Digest) throws -> [ImageUse]
    ) throws -> [Digest] {
        let sizes = try layerSizes()
        let (images, fixed, lastUse) = state.withLock { state in
            (Array(state.images.values), state.layersInUse, state.lastUse)
        }
        var kept = fixed
        var candidates: [EvictionPlan.Candidate] = []
        for image in images {
            let layers = Set(image.configuration.rootFilesystem.diffIDs)
            let isPinned = state.withLock { $0.imagePins[image.id] != nil }
            let isUsed = try !uses(image.id).isEmpty
            if isPinned || keeping.contains(image.id) || isUsed {
                kept.formUnion(layers)
            } else {
                let used = max(lastUse[image.id] ?? .zero, image.lastTagged ?? .zero)
                candidates.append(EvictionPlan.Candidate(id: image.id, layers: layers, lastUse: used))
            }
        }
        return EvictionPlan(sizes: sizes, kept: kept).choose(from: candidates, freeing: needed)
    }
}
