import GRDB
import LinuxKernel
import Logging
import OCIModel
import Synchronization

/// Images and unpacked layers of one data root. Blocking and thread-safe.
///
/// Questions are answered from memory. Changes run one at a time under `changes`: first the database, then the
/// memory, then the files that are no longer needed. Unpacking runs outside of it, in staging folders.
package final class ImageStore: Sendable {
    let paths: StorePaths
    let platform: Platform
    let logger: Logger
    let database: StoreDatabase
    let state: Mutex<StoreState>
    /// Held while records change. No load waits for another's unpacking.
    let changes = Monitor()
    let trash: TrashCollector
    /// Whether compressed layers are kept as they came.
    let keepsBlobs: Bool
    /// Makes the root file systems of new containers.
    package let driver: StorageDriver
    /// Layers that are being fetched.
    let arrivals = ArrivalTable()
    /// Held by an eviction: two at once would take more than needed.
    let evictions = Monitor()
    /// Bytes on the disk by layer, as far as somebody asked.
    let measured = Mutex<[Digest: Int64]>([:])

    init(
        paths: StorePaths, platform: Platform, logger: Logger, database: StoreDatabase, state: StoreState,
        trash: TrashCollector, keepsBlobs: Bool, driver: StorageDriver
    ) {
        self.paths = paths
        self.platform = platform
        self.logger = logger
        self.database = database
        self.state = Mutex(state)
        self.trash = trash
        self.keepsBlobs = keepsBlobs
        self.driver = driver
    }

    /// Takes unused layers out of the records, then off the disk.
    /// - Returns: the diff ids of those that went
    @discardableResult
    func collect(_ candidates: some Sequence<Digest>) throws -> [Digest] {
        let unused = state.withLock { $0.unused(candidates) }
        guard !unused.isEmpty else { return [] }
        try database.commit { database in
            for diffID in unused { try StoreDatabase.removeLayer(diffID, database) }
        }
        var discarded: [String] = []
        state.withLock { state in
            for diffID in unused {
                guard let layer = state.layers.removeValue(forKey: diffID) else { continue }
                _ = measured.withLock { $0.removeValue(forKey: diffID) }
                discarded.append(paths.layer(diffID))
                if let blob = layer.blob { discarded.append(paths.blob(blob.digest)) }
            }
        }
        for path in discarded { try trash.discard(path) }
        return unused
    }

    /// Keeps layers from being collected until `release`.
    func release(_ pinned: some Sequence<Digest>) {
        state.withLock { state in for diffID in pinned { state.unpin(layer: diffID) } }
    }
}
