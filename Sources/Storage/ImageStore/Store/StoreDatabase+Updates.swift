import FoundationEssentials
import GRDB
import OCIModel

/// A column of bytes.
struct DataBytes: DatabaseValueConvertible {
    let bytes: [UInt8]

    var databaseValue: DatabaseValue { Data(bytes).databaseValue }

    static func fromDatabaseValue(_ value: DatabaseValue) -> DataBytes? {
        guard case .blob(let data) = value.storage else { return nil }
        return DataBytes(bytes: [UInt8](data))
    }
}

extension StoreDatabase {
    static func insert(_ layer: LayerRecord, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR IGNORE INTO layers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                layer.diffID.description, layer.size, layer.archiveSize, layer.root.map { Int64($0.mode) },
                layer.root.map { Int64($0.uid) }, layer.root.map { Int64($0.gid) },
                layer.blob?.digest.description, layer.blob?.size, layer.blob?.compression.rawValue,
            ])
    }

    /// An image that is there already keeps what it has; a manifest is added where it had none.
    static func insert(_ image: ImageRecord, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO images (id, configuration, parent, last_tagged, manifest_digest, manifest_type, manifest)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET manifest_digest = coalesce(manifest_digest, excluded.manifest_digest),
                    manifest_type = coalesce(manifest_type, excluded.manifest_type),
                    manifest = coalesce(manifest, excluded.manifest)
                """,
            arguments: [
                image.id.description, DataBytes(bytes: image.configuration), image.parent?.description,
                image.lastTagged?.description, image.manifest?.digest.description, image.manifest?.mediaType,
                image.manifest.map { DataBytes(bytes: $0.content) },
            ])
    }

    static func set(_ reference: Reference, to image: Digest, at time: Timestamp, _ database: Database) throws
    {
        try database.execute(
            sql: """
                INSERT INTO image_references VALUES (?, ?)
                ON CONFLICT (reference) DO UPDATE SET image = excluded.image
                """, arguments: [reference.description, image.description])
        try database.execute(
            sql: "UPDATE images SET last_tagged = ? WHERE id = ?",
            arguments: [time.description, image.description])
    }

    /// A name that says where the image is, and no new tag.
    static func insertReference(_ reference: Reference, to image: Digest, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO image_references VALUES (?, ?)",
            arguments: [reference.description, image.description])
    }

    static func remove(_ reference: Reference, _ database: Database) throws {
        try database.execute(
            sql: "DELETE FROM image_references WHERE reference = ?", arguments: [reference.description])
    }

    static func removeImage(_ id: Digest, _ database: Database) throws {
        try database.execute(
            sql: "DELETE FROM image_references WHERE image = ?", arguments: [id.description])
        try database.execute(sql: "DELETE FROM image_uses WHERE image = ?", arguments: [id.description])
        try database.execute(sql: "DELETE FROM images WHERE id = ?", arguments: [id.description])
    }

    static func removeLayer(_ diffID: Digest, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM layers WHERE diff_id = ?", arguments: [diffID.description])
        try database.execute(
            sql: "DELETE FROM layer_forms WHERE diff_id = ?", arguments: [diffID.description])
    }
}
