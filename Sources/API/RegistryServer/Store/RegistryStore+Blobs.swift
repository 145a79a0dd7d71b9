import GRDB
import LinuxKernel
import OCIModel

/// A blob that a repository has.
struct StoredBlob: Sendable {
    let digest: Digest
    let size: Int64
}

extension RegistryStore {
    /// - Parameter touches: whether somebody may rely on the blob being there for a push: it then counts as new
    /// - Returns: nil where the repository has no such blob
    func blob(_ repository: RepositoryName, _ digest: Digest, touches: Bool) throws -> StoredBlob? {
        if let found = recent.find(repository, digest), !touches || isFresh(found.touched) {
            return StoredBlob(digest: digest, size: found.size)
        }
        let generation = recent.generation
        let row = try database.read { database in
            try database.row(
                """
                SELECT b.size, l.touched, l.repository FROM repositories r
                JOIN repository_blobs l ON l.repository = r.id AND l.digest = ?2
                JOIN blobs b ON b.digest = l.digest WHERE r.name = ?1
                """, [repository.description, digest.description])
        }
        guard let row else { return nil }
        var touched: Int64 = row[1]
        if touches, !isFresh(touched) {
            touched = Self.now
            let isThere = try touch(row[2], digest, touched)
            guard isThere else { return nil }
        }
        let size: Int64 = row[0]
        recent.insert(
            repository, digest, RecentLinks.Entry(size: size, touched: touched), generation: generation)
        return StoredBlob(digest: digest, size: size)
    }

    /// Whether the collector is far from taking a link of this age, so that it need not be renewed.
    private func isFresh(_ touched: Int64) -> Bool { Self.now - touched < limits.grace / 2 }

    private func touch(_ repository: Int64, _ digest: Digest, _ time: Int64) throws -> Bool {
        try database.write { database in
            try database.run(
                "UPDATE repository_blobs SET touched = ? WHERE repository = ? AND digest = ?",
                [time, repository, digest.description])
            return database.changesCount > 0
        }
    }

    /// Puts a blob that another repository has into this one.
    /// - Parameter source: nil for any that `allows`
    /// - Returns: whether there was one
    func mount(
        _ digest: Digest, into repository: RepositoryName, from source: RepositoryName?,
        allows: (RepositoryName) -> Bool
    ) throws -> Bool {
        let holders = try database.read { database in
            try database.rows(
                """
                SELECT r.name FROM repository_blobs l JOIN repositories r ON r.id = l.repository
                WHERE l.digest = ?1 AND (?2 IS NULL OR r.name = ?2) LIMIT 1000
                """, [digest.description, source?.description]
            ).compactMap { RepositoryName($0[0] as String) }
        }
        guard holders.contains(where: allows) else { return false }
        return try lock.committing {
            try database.write { database in
                // The collector, or a deletion, may have been there since.
                guard
                    let row = try database.row(
                        "SELECT size FROM blobs WHERE digest = ?", [digest.description])
                else { return false }
                try link(database, digest, size: row[0], into: repository)
                return true
            }
        }
    }

    /// Records a blob in a repository, inside a transaction.
    func link(_ database: Database, _ digest: Digest, size: Int64, into repository: RepositoryName) throws {
        let id = try database.repositoryMade(repository)
        try database.run(
            "INSERT INTO blobs (digest, size) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [digest.description, size])
        try database.run(
            """
            INSERT INTO repository_blobs (repository, digest, touched) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET touched = excluded.touched
            """, [id, digest.description, Self.now])
        try checkQuota(database, id, repository)
    }

    /// Bytes of all blobs and manifests.
    func totalBytes() throws -> Int64 {
        try database.read { try $0.row("SELECT bytes FROM totals", [])?[0] ?? 0 }
    }

    /// Takes a blob out of a repository; its file goes with the collector.
    /// - Returns: whether it was there
    func unlinkBlob(_ repository: RepositoryName, _ digest: Digest) throws -> Bool {
        defer { recent.forget(repository, digest) }
        return try database.write { database in
            guard let id = try database.repository(repository) else { return false }
            try database.run(
                "DELETE FROM repository_blobs WHERE repository = ? AND digest = ?", [id, digest.description])
            return database.changesCount > 0
        }
    }

    /// Makes a finished upload a blob of its repository.
    func commit(_ upload: UploadSession, as digest: Digest) throws -> StoredBlob {
        let size = upload.size
        try upload.sync()
        return try lock.committing {
            // One that was damaged is replaced, as its error says.
            if blobs.contains(digest, size: size) {
                try upload.remove()
            } else {
                try blobs.adopt(upload.path, as: digest)
                upload.forgetFile()
            }
            try database.write { try link($0, digest, size: size, into: upload.repository) }
            return StoredBlob(digest: digest, size: size)
        }
    }
}
