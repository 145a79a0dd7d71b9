import Foundation
import GRDB
import JSONCodec
import OCIModel

/// A manifest as it was pushed.
struct StoredManifest: Sendable {
    let digest: Digest
    let mediaType: String
    let content: [UInt8]
    /// When the tag was last known to be right, in seconds since 1970; 0 for a digest.
    var checked: Int64 = 0
}

extension RegistryStore {
    /// - Returns: nil where the repository has no such manifest
    func manifest(_ repository: RepositoryName, _ reference: ManifestReference) throws -> StoredManifest? {
        try database.read { database in
            switch reference {
            case .digest(let digest):
                try database.row(
                    """
                    SELECT m.media_type, m.content FROM repositories r
                    JOIN manifests m ON m.repository = r.id AND m.digest = ?2 WHERE r.name = ?1
                    """, [repository.description, digest.description]
                ).map { StoredManifest(digest: digest, mediaType: $0[0], content: try Self.bytes($0, 1)) }
            case .tag(let tag):
                try database.row(
                    """
                    SELECT m.media_type, m.content, m.digest, t.checked FROM repositories r
                    JOIN tags t ON t.repository = r.id AND t.name = ?2
                    JOIN manifests m ON m.repository = r.id AND m.digest = t.digest WHERE r.name = ?1
                    """, [repository.description, tag]
                ).map {
                    StoredManifest(
                        digest: try Digest(registry: $0[2]), mediaType: $0[0], content: try Self.bytes($0, 1),
                        checked: $0[3])
                }
            }
        }
    }

    private static func bytes(_ row: Row, _ column: Int) throws -> [UInt8] {
        try row.withUnsafeData(atIndex: column) { data in data.map { Array($0) } ?? [] }
    }

    /// Stores a manifest and points tags at it, all or nothing.
    /// - Parameter isComplete: whether what it needs has to be there
    /// - Throws: `RegistryError` (`manifestBlobUnknown`) where a part that it needs is not in the repository
    func put(
        _ document: ManifestDocument, _ bytes: [UInt8], _ digest: Digest, tags: [String],
        into repository: RepositoryName, isComplete: Bool = true
    ) throws {
        try database.write { database in
            let id = try database.repositoryMade(repository)
            if isComplete { try requireParts(database, document, id, repository) }
            try database.run(
                """
                INSERT INTO manifests
                    (repository, digest, media_type, artifact_type, subject, annotations, touched, content)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET media_type = excluded.media_type, touched = excluded.touched
                """,
                [
                    id, digest.description, document.mediaType, document.artifactType,
                    document.subject?.description,
                    document.annotations.map { String(decoding: $0.bytes(), as: UTF8.self) }, Self.now,
                    Data(bytes),
                ])
            for part in document.blobs + document.manifests {
                try database.run(
                    "INSERT INTO manifest_parts VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    [id, digest.description, part.digest.description])
            }
            for tag in tags { try setTag(database, id, tag, digest) }
            try checkQuota(database, id, repository)
        }
    }

    private func setTag(_ database: Database, _ id: Int64, _ tag: String, _ digest: Digest) throws {
        try database.run(
            """
            INSERT INTO tags (repository, name, digest, checked) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET digest = excluded.digest, checked = excluded.checked
            """, [id, tag, digest.description, Self.now])
    }

    private func requireParts(
        _ database: Database, _ document: ManifestDocument, _ id: Int64, _ repository: RepositoryName
    ) throws {
        for part in document.blobs where part.isRequired {
            let row = try database.row(
                "SELECT 1 FROM repository_blobs WHERE repository = ? AND digest = ?",
                [id, part.digest.description])
            guard row != nil else { throw Self.missing("blob", part.digest, repository) }
        }
        for part in document.manifests where part.isRequired {
            let row = try database.row(
                "SELECT 1 FROM manifests WHERE repository = ? AND digest = ?", [id, part.digest.description])
            guard row != nil else { throw Self.missing("manifest", part.digest, repository) }
        }
    }

    private static func missing(_ kind: String, _ digest: Digest, _ repository: RepositoryName)
        -> RegistryError
    {
        RegistryError(
            .manifestBlobUnknown,
            "the manifest needs \(kind) \(digest), which is not in \(repository): push it first")
    }

    /// - Returns: whether there was such a tag
    func removeTag(_ repository: RepositoryName, _ tag: String) throws -> Bool {
        try database.write { database in
            guard let id = try database.repository(repository) else { return false }
            try database.run("DELETE FROM tags WHERE repository = ? AND name = ?", [id, tag])
            return database.changesCount > 0
        }
    }

    /// Removes a manifest and every tag that points at it.
    /// - Returns: whether there was such a manifest
    func removeManifest(_ repository: RepositoryName, _ digest: Digest) throws -> Bool {
        try database.write { database in
            guard let id = try database.repository(repository),
                try database.row(
                    "SELECT 1 FROM manifests WHERE repository = ? AND digest = ?", [id, digest.description])
                    != nil
            else { return false }
            try database.run(
                "DELETE FROM manifests WHERE repository = ? AND digest = ?", [id, digest.description])
            return true
        }
    }
}
