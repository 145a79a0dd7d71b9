import GRDB
import Logging
import NIOPosix
import OCIModel

/// What a run of the collector has removed.
package struct CollectionReport: Sendable, Equatable {
    package var manifests = 0
    /// Links from repositories to blobs that no manifest there uses.
    package var links = 0
    package var blobs = 0
    package var bytes: Int64 = 0
    package var uploads = 0
    /// Files that no record names: what a crash left.
    package var strays = 0
}

/// Removes what nobody uses, while everything goes on.
///
/// A blob without a manifest is kept for a time of grace, counted from the last push or the last question whether it is
/// there, so that an image that is being pushed does not lose its layers. A manifest is stored only if its blobs are
/// there in the same transaction, so that even a blob taken too early makes a push fail and no image broken.
final class GarbageCollector: Sendable {
    private let store: RegistryStore
    private let settings: RegistrySettings
    private let threads: NIOThreadPool
    private let logger: Logger
    private static let batch = 64

    init(store: RegistryStore, settings: RegistrySettings, threads: NIOThreadPool, logger: Logger) {
        self.store = store
        self.settings = settings
        self.threads = threads
        self.logger = logger
    }

    /// Collects again and again, until the task is cancelled.
    func runRegularly() async {
        guard settings.collectInterval > 0 else { return }
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(settings.collectInterval))
                let report = try await threads.runIfActive { try self.collect() }
                logger.info("collected", metadata: report.metadata)
            } catch is CancellationError {
                return
            } catch {
                logger.error("collection failed", metadata: ["error": "\(error)"])
            }
        }
    }

    /// One run; blocks.
    func collect() throws -> CollectionReport {
        var report = CollectionReport()
        let horizon = RegistryStore.now - settings.grace
        report.uploads = try store.uploads.expire(
            olderThan: settings.uploadTimeout, lifetime: settings.uploadLifetime)
        if settings.collectsUntagged { report.manifests = try removeUntagged(before: horizon) }
        report.links = try removeLinks(before: horizon)
        (report.blobs, report.bytes) = try removeBlobs()
        report.strays = try removeStrays()
        return report
    }

    /// Manifests that no tag, no index and no subject keeps. What referred to one of them may be next.
    private func removeUntagged(before horizon: Int64) throws -> Int {
        var removed = 0
        while true {
            let count = try store.database.write { database in
                try database.run(
                    """
                    DELETE FROM manifests WHERE rowid IN (SELECT m.rowid FROM manifests m WHERE m.touched <= ?1
                        AND NOT EXISTS (
                            SELECT 1 FROM tags t WHERE t.repository = m.repository AND t.digest = m.digest)
                        AND NOT EXISTS (
                            SELECT 1 FROM manifest_parts p
                            WHERE p.repository = m.repository AND p.part = m.digest AND p.manifest <> m.digest)
                        AND (m.subject IS NULL OR m.subject = m.digest OR NOT EXISTS (
                            SELECT 1 FROM manifests s WHERE s.repository = m.repository AND s.digest = m.subject))
                        LIMIT \(Self.batch))
                    """, [horizon])
                return database.changesCount
            }
            if count == 0 { return removed }
            removed += count
        }
    }

    private func removeLinks(before horizon: Int64) throws -> Int {
        var removed = 0
        while true {
            let count = try store.database.write { database in
                let rows = try database.rows(
                    """
                    SELECT l.repository, l.digest FROM repository_blobs l WHERE l.touched <= ?1 AND NOT EXISTS (
                        SELECT 1 FROM manifest_parts p WHERE p.repository = l.repository AND p.part = l.digest)
                    LIMIT \(Self.batch)
                    """, [horizon])
                for row in rows {
                    try database.run(
                        "DELETE FROM repository_blobs WHERE repository = ? AND digest = ?",
                        [row[0] as Int64, row[1] as String])
                }
                return rows.count
            }
            if count == 0 { return removed }
            store.recent.forgetAll()
            removed += count
        }
    }

    /// Blobs that no repository has. A push of the same content waits for a moment, or is first.
    private func removeBlobs() throws -> (Int, Int64) {
        var total: (Int, Int64) = (0, 0)
        while true {
            let batch = try store.lock.removing {
                let gone = try store.database.write { database in
                    try database.rows(
                        """
                        DELETE FROM blobs WHERE digest IN (SELECT b.digest FROM blobs b WHERE NOT EXISTS (
                            SELECT 1 FROM repository_blobs l WHERE l.digest = b.digest) LIMIT \(Self.batch))
                        RETURNING digest, size
                        """, []
                    ).map { (digest: $0[0] as String, size: $0[1] as Int64) }
                }
                for blob in gone { try store.blobs.remove(try Digest(registry: blob.digest)) }
                return gone
            }
            if batch.isEmpty { return total }
            total = (total.0 + batch.count, total.1 + batch.reduce(0) { $0 + $1.size })
        }
    }

    /// Files of blobs that no record names.
    private func removeStrays() throws -> Int {
        var removed = 0
        for folder in try store.blobs.folders() {
            removed += try store.lock.removing {
                let unknown = try store.database.read { database in
                    try store.blobs.digests(in: folder).filter {
                        try database.row("SELECT 1 FROM blobs WHERE digest = ?", [$0.description]) == nil
                    }
                }
                return try unknown.filter { try store.blobs.remove($0) }.count
            }
        }
        return removed
    }

    /// Removes the file of a blob whose record could not be made.
    func removeIfUnused(_ digest: Digest) async throws {
        let store = store
        try await threads.runIfActive {
            try store.lock.removing {
                let isKnown = try store.database.read {
                    try $0.row("SELECT 1 FROM blobs WHERE digest = ?", [digest.description]) != nil
                }
                if !isKnown { try store.blobs.remove(digest) }
            }
        }
    }
}

extension CollectionReport {
    var metadata: Logger.Metadata {
        [
            "manifests": "\(manifests)", "links": "\(links)", "blobs": "\(blobs)", "bytes": "\(bytes)",
            "uploads": "\(uploads)", "strays": "\(strays)",
        ]
    }

    package var text: String {
        "removed \(blobs) blobs (\(bytes) bytes), \(links) links, \(manifests) manifests, \(uploads) uploads, \(strays) stray files"
    }
}
