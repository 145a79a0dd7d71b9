import GRDB
import LinuxKernel

/// What the registry knows besides the bytes of blobs: repositories, links to blobs, manifests, tags (SQLite, write-ahead
/// log). One process has it open. Everything here blocks.
final class RegistryDatabase: Sendable {
    private let pool: DatabasePool

    init(folder: String) throws {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.maximumReaderCount = 4
        configuration.label = "registry"
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA cache_size = -8192")
            // An answer of 201 is a promise: it outlives a power cut.
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        pool = try DatabasePool(path: "\(folder)/registry.db", configuration: configuration)
        try Self.migrations.migrate(pool)
    }

    func read<T>(_ body: (Database) throws -> T) throws -> T { try pool.read(body) }

    /// One transaction; durable when it returns.
    func write<T>(_ body: (Database) throws -> T) throws -> T { try pool.write(body) }

    func close() throws { try pool.close() }

    private static var migrations: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in try database.execute(sql: schema) }
        migrator.registerMigration("2") { database in try database.execute(sql: countedManifests) }
        return migrator
    }

    /// Manifests take of the disk, too, and nobody has to name a blob in one.
    private static let countedManifests = """
        UPDATE repositories SET bytes = bytes + (
            SELECT COALESCE(SUM(LENGTH(content)), 0) FROM manifests WHERE repository = repositories.id);
        UPDATE totals SET bytes = bytes + (SELECT COALESCE(SUM(LENGTH(content)), 0) FROM manifests);
        CREATE TRIGGER manifest_counted AFTER INSERT ON manifests BEGIN
            UPDATE repositories SET bytes = bytes + LENGTH(new.content) WHERE id = new.repository;
            UPDATE totals SET bytes = bytes + LENGTH(new.content); END;
        CREATE TRIGGER manifest_uncounted AFTER DELETE ON manifests BEGIN
            UPDATE repositories SET bytes = bytes - LENGTH(old.content) WHERE id = old.repository;
            UPDATE totals SET bytes = bytes - LENGTH(old.content); END;
        """

    /// Sizes are summed by triggers, so that a quota costs no scan (manifests since migration 2). Times are seconds since 1970.
    private static let schema = """
        CREATE TABLE totals (id INTEGER PRIMARY KEY CHECK (id = 1), bytes INTEGER NOT NULL);
        INSERT INTO totals VALUES (1, 0);
        CREATE TABLE repositories (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE blobs (digest TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE repository_blobs (
            repository INTEGER NOT NULL REFERENCES repositories (id),
            digest TEXT NOT NULL REFERENCES blobs (digest),
            touched INTEGER NOT NULL, PRIMARY KEY (repository, digest)) WITHOUT ROWID;
        CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest);
        CREATE TABLE manifests (
            repository INTEGER NOT NULL REFERENCES repositories (id), digest TEXT NOT NULL,
            media_type TEXT NOT NULL, artifact_type TEXT, subject TEXT, annotations TEXT,
            touched INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (repository, digest));
        CREATE INDEX manifests_by_subject ON manifests (repository, subject, digest) WHERE subject IS NOT NULL;
        CREATE TABLE tags (
            repository INTEGER NOT NULL REFERENCES repositories (id), name TEXT NOT NULL,
            digest TEXT NOT NULL, checked INTEGER NOT NULL, PRIMARY KEY (repository, name)) WITHOUT ROWID;
        CREATE INDEX tags_by_digest ON tags (repository, digest);
        CREATE TABLE manifest_parts (
            repository INTEGER NOT NULL, manifest TEXT NOT NULL, part TEXT NOT NULL,
            PRIMARY KEY (repository, manifest, part)) WITHOUT ROWID;
        CREATE INDEX manifest_parts_by_part ON manifest_parts (repository, part);
        CREATE TRIGGER blob_added AFTER INSERT ON blobs BEGIN
            UPDATE totals SET bytes = bytes + new.size; END;
        CREATE TRIGGER blob_removed AFTER DELETE ON blobs BEGIN
            UPDATE totals SET bytes = bytes - old.size; END;
        CREATE TRIGGER link_added AFTER INSERT ON repository_blobs BEGIN
            UPDATE repositories SET bytes = bytes + (SELECT size FROM blobs WHERE digest = new.digest)
            WHERE id = new.repository; END;
        CREATE TRIGGER link_removed AFTER DELETE ON repository_blobs BEGIN
            UPDATE repositories SET bytes = bytes - (SELECT size FROM blobs WHERE digest = old.digest)
            WHERE id = old.repository; END;
        CREATE TRIGGER manifest_removed AFTER DELETE ON manifests BEGIN
            DELETE FROM tags WHERE repository = old.repository AND digest = old.digest;
            DELETE FROM manifest_parts WHERE repository = old.repository AND manifest = old.digest; END;
        """
}

extension Database {
    /// One row of a statement that is compiled once per connection.
    func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
        try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
    }

    func rows(_ sql: String, _ arguments: StatementArguments) throws -> [Row] {
        try Row.fetchAll(cachedStatement(sql: sql), arguments: arguments)
    }

    func run(_ sql: String, _ arguments: StatementArguments) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }

    /// The row of a repository; nil where it has never held anything.
    func repository(_ name: RepositoryName) throws -> Int64? {
        try row("SELECT id FROM repositories WHERE name = ?", [name.description])?[0]
    }

    /// The row of a repository, made where there is none.
    func repositoryMade(_ name: RepositoryName) throws -> Int64 {
        if let id = try repository(name) { return id }
        try run("INSERT INTO repositories (name) VALUES (?)", [name.description])
        return lastInsertedRowID
    }
}
