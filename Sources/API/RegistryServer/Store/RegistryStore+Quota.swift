import GRDB
import NIOCore
import OCIModel

/// Quotas count what is recorded, blobs and manifests, and what unfinished uploads take of the disk.
extension RegistryStore {
    var hasQuota: Bool { limits.total != nil || limits.repository != nil }

    /// The check behind a record, inside its transaction.
    func checkQuota(_ database: Database, _ id: Int64, _ repository: RepositoryName) throws {
        if let limit = limits.repository {
            let used: Int64 =
                try database.row("SELECT bytes FROM repositories WHERE id = ?", [id])?[0] ?? 0
            if used > limit { throw overQuota(repository, .repository) }
        }
        if let limit = limits.total {
            let used: Int64 = try database.row("SELECT bytes FROM totals", [])?[0] ?? 0
            if used > limit { throw overQuota(repository, .total) }
        }
    }

    private enum Quota { case total, repository }

    private func overQuota(_ repository: RepositoryName, _ quota: Quota) -> RegistryError {
        let (subject, limit) =
            switch quota {
            case .total: ("this registry", limits.total ?? 0)
            case .repository: ("repository \(repository)", limits.repository ?? 0)
            }
        return RegistryError(
            .quotaExceeded,
            "the quota of \(subject), \(limit) bytes, is used up: delete images and run the collector")
    }

    /// Which quota lets no more than it has in: with what is recorded, and unfinished uploads of so many bytes.
    private func exceeded(_ repository: RepositoryName, total: Int64, own: Int64) throws -> Quota? {
        let recorded = try database.read { database -> (total: Int64, own: Int64) in
            (
                try database.row("SELECT bytes FROM totals", [])?[0] ?? 0,
                try database.row(
                    "SELECT bytes FROM repositories WHERE name = ?", [repository.description])?[0] ?? 0
            )
        }
        if let limit = limits.repository, recorded.own + own > limit { return .repository }
        if let limit = limits.total, recorded.total + total > limit { return .total }
        return nil
    }

    /// Whether so many bytes more could come into a repository. Uploads that wait give way.
    /// - Throws: `RegistryError` (`quotaExceeded`)
    func requireRoom(_ repository: RepositoryName, for count: Int64) throws {
        guard hasQuota else { return }
        while true {
            let (total, own) = uploads.ledger.add(0, to: repository)
            guard let quota = try exceeded(repository, total: total + count, own: own + count) else { return }
            // Nobody's upload is given up for one that does not fit even so.
            guard try exceeded(repository, total: count, own: count) == nil,
                try uploads.evict(for: repository, ownOnly: quota == .repository, holdingBytes: true)
            else { throw overQuota(repository, quota) }
        }
    }

    /// Appends to an upload, within the quotas.
    /// - Throws: `RegistryError` (`quotaExceeded`)
    func append(_ bytes: ByteBuffer, to session: UploadSession) throws {
        guard hasQuota else { return try session.append(bytes) }
        let repository = session.repository
        while true {
            var over: Quota?
            do {
                return try session.append(bytes) { total, own in
                    over = try exceeded(repository, total: total, own: own)
                    if let over { throw overQuota(repository, over) }
                }
            } catch {
                guard let quota = over,
                    try uploads.evict(for: repository, ownOnly: quota == .repository, holdingBytes: true)
                else { throw error }
            }
        }
    }
}
