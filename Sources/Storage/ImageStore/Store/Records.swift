import GRDB
import OCIModel

/// An unpacked layer, by the digest of its uncompressed archive (its "diff id").
///
/// What is unpacked does not depend on the layers below, so images share a layer even where those differ.
struct LayerRecord: Sendable, Equatable {
    /// The archive as it came, where it was compressed. Others are kept as a recipe.
    struct Blob: Sendable, Equatable {
        let digest: Digest
        let size: Int64
        let compression: Compression
    }

    let diffID: Digest
    /// Bytes of regular files.
    let size: Int64
    /// Bytes of the uncompressed archive.
    let archiveSize: Int64
    let root: RootAttributes?
    let blob: Blob?
}

/// A manifest as it came, for who wants it again with the same digest.
struct StoredManifest: Sendable, Equatable {
    let digest: Digest
    let mediaType: String
    let content: [UInt8]
}

/// An image's durable part but its names.
struct ImageRecord: Sendable {
    let id: Digest
    /// The configuration's original bytes.
    let configuration: [UInt8]
    let parent: Digest?
    let lastTagged: Timestamp?
    let manifest: StoredManifest?
}

/// The store's tables. Everything that makes an image visible is one transaction.
struct StoreDatabase: Sendable {
    let writer: any DatabaseWriter

    func migrate() throws {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("images-1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE layers (
                        diff_id TEXT PRIMARY KEY NOT NULL, size INTEGER NOT NULL, archive_size INTEGER NOT NULL,
                        root_mode INTEGER, root_uid INTEGER, root_gid INTEGER,
                        blob TEXT, blob_size INTEGER, compression TEXT
                    ) WITHOUT ROWID;
                    CREATE TABLE images (
                        id TEXT PRIMARY KEY NOT NULL, configuration BLOB NOT NULL, parent TEXT, last_tagged TEXT,
                        manifest_digest TEXT, manifest_type TEXT, manifest BLOB
                    );
                    CREATE TABLE image_references (
                        reference TEXT PRIMARY KEY NOT NULL,
                        image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE
                    ) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("images-2") { database in
            try database.execute(
                sql: """
                    CREATE TABLE layer_forms (
                        digest TEXT PRIMARY KEY NOT NULL, diff_id TEXT NOT NULL, size INTEGER NOT NULL,
                        compression TEXT NOT NULL, made_here INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    CREATE INDEX layer_forms_by_layer ON layer_forms (diff_id);
                    """)
        }
        migrator.registerMigration("images-3") { database in
            try database.execute(
                sql: """
                    CREATE TABLE image_uses (
                        image TEXT PRIMARY KEY NOT NULL REFERENCES images(id) ON DELETE CASCADE, time INTEGER NOT NULL
                    ) WITHOUT ROWID
                    """)
        }
        try migrator.migrate(writer)
    }

    /// One transaction that a power cut does not undo, whatever the other users of the database want.
    func commit(_ updates: (Database) throws -> Void) throws {
        try writer.writeWithoutTransaction { database in
            let before = try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? 2
            if before < 2 { try database.execute(sql: "PRAGMA synchronous = FULL") }
            defer { if before < 2 { try? database.execute(sql: "PRAGMA synchronous = \(before)") } }
            try database.inTransaction {
                try updates(database)
                return .commit
            }
        }
    }

    // MARK: - Reading

    func layers() throws -> [LayerRecord] {
        try writer.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM layers").map(Self.layer)
        }
    }

    private static func layer(_ row: Row) throws -> LayerRecord {
        var root: RootAttributes?
        if let mode: Int64 = row["root_mode"], let uid: Int64 = row["root_uid"],
            let gid: Int64 = row["root_gid"]
        {
            root = RootAttributes(
                mode: UInt32(truncatingIfNeeded: mode), uid: UInt32(truncatingIfNeeded: uid),
                gid: UInt32(truncatingIfNeeded: gid))
        }
        var blob: LayerRecord.Blob?
        if let text: String = row["blob"], let size: Int64 = row["blob_size"],
            let kind: String = row["compression"],
            let compression = Compression(rawValue: kind)
        {
            blob = LayerRecord.Blob(digest: try digest(text), size: size, compression: compression)
        }
        return LayerRecord(
            diffID: try digest(row["diff_id"]), size: row["size"], archiveSize: row["archive_size"],
            root: root,
            blob: blob)
    }

    func images() throws -> [ImageRecord] {
        try writer.read { database in
            let sql = "SELECT id, configuration, parent, last_tagged, manifest_digest FROM images"
            return try Row.fetchAll(database, sql: sql).map { try Self.image($0) }
        }
    }

    /// With its manifest's bytes.
    func image(_ id: Digest) throws -> ImageRecord? {
        try writer.read { database in
            let sql = "SELECT * FROM images WHERE id = ?"
            return try Row.fetchOne(database, sql: sql, arguments: [id.description]).map {
                try Self.image($0)
            }
        }
    }

    private static func image(_ row: Row) throws -> ImageRecord {
        let parent: String? = row["parent"]
        let lastTagged: String? = row["last_tagged"]
        let configuration: DataBytes = row["configuration"]
        var manifest: StoredManifest?
        if let text: String = row["manifest_digest"] {
            let content: DataBytes? = row.hasColumn("manifest") ? row["manifest"] : nil
            manifest = StoredManifest(
                digest: try digest(text),
                mediaType: row.hasColumn("manifest_type") ? row["manifest_type"] : "",
                content: content?.bytes ?? [])
        }
        return ImageRecord(
            id: try digest(row["id"]), configuration: configuration.bytes, parent: try parent.map(digest),
            lastTagged: lastTagged.flatMap { Timestamp(rfc3339: $0) }, manifest: manifest)
    }

    /// When images were last used.
    func uses() throws -> [Digest: Timestamp] {
        try writer.read { database in
            let rows = try Row.fetchAll(database, sql: "SELECT image, time FROM image_uses")
            return try rows.reduce(into: [:]) { uses, row in
                uses[try Self.digest(row["image"])] = Timestamp(seconds: row["time"])
            }
        }
    }

    func references() throws -> [(Reference, Digest)] {
        try writer.read { database in
            try Row.fetchAll(database, sql: "SELECT reference, image FROM image_references").map { row in
                (try Reference(row["reference"] as String), try Self.digest(row["image"]))
            }
        }
    }

    private static func digest(_ text: String) throws -> Digest {
        guard let digest = Digest(text) else {
            throw ImageError(.corruptedStore, "the image database holds an invalid digest: \(text)")
        }
        return digest
    }
}
