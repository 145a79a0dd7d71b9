import GRDB
import JSONCodec

/// The rows of containers and execs.
enum ContainerTable {
    struct Row {
        let name: String
        let definition: ContainerDefinition
        let progress: ContainerProgress
    }

    static func insert(
        _ definition: ContainerDefinition, name: String, _ progress: ContainerProgress
    ) throws -> @Sendable (Database) throws -> Void {
        let (body, state) = (try text(definition), try text(progress))
        let id = definition.id
        return { database in
            try database.execute(
                sql: "INSERT INTO container (id, name, definition, progress) VALUES (?, ?, ?, ?)",
                arguments: [id, name, body, state])
        }
    }

    static func update(
        _ id: String, _ progress: ContainerProgress
    ) throws -> @Sendable (Database) throws -> Void {
        let state = try text(progress)
        return { database in
            try database.execute(
                sql: "UPDATE container SET progress = ? WHERE id = ?", arguments: [state, id])
        }
    }

    static func rename(_ id: String, to name: String) -> @Sendable (Database) throws -> Void {
        { database in
            try database.execute(sql: "UPDATE container SET name = ? WHERE id = ?", arguments: [name, id])
        }
    }

    static func delete(_ id: String) -> @Sendable (Database) throws -> Void {
        { database in try database.execute(sql: "DELETE FROM container WHERE id = ?", arguments: [id]) }
    }

    static func save(_ exec: ExecRecord) throws -> @Sendable (Database) throws -> Void {
        let body = try text(exec)
        return { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO exec (id, container, record) VALUES (?, ?, ?)",
                arguments: [exec.id, exec.containerID, body])
        }
    }

    static func deleteExec(_ id: String) -> @Sendable (Database) throws -> Void {
        { database in try database.execute(sql: "DELETE FROM exec WHERE id = ?", arguments: [id]) }
    }

    /// - Throws: `.stateCorrupted` naming the container whose row cannot be understood
    static func all(_ database: Database) throws -> [Row] {
        var rows: [Row] = []
        let cursor = try GRDB.Row.fetchCursor(
            database, sql: "SELECT id, name, definition, progress FROM container")
        while let row = try cursor.next() {
            let id: String = row[0]
            do {
                rows.append(
                    Row(
                        name: row[1], definition: try value(row[2] as String),
                        progress: try value(row[3] as String)))
            } catch {
                throw EngineError(
                    .stateCorrupted, "the record of container \(id) in state.db cannot be read: \(error)",
                    cause: error)
            }
        }
        return rows
    }

    static func execs(_ database: Database) throws -> [ExecRecord] {
        var records: [ExecRecord] = []
        let cursor = try GRDB.Row.fetchCursor(database, sql: "SELECT record FROM exec")
        while let row = try cursor.next() { records.append(try value(row[0] as String)) }
        return records
    }
}

private func text(_ value: some Encodable) throws -> String { try JSONValue(encoding: value).text() }

private func value<T: Decodable>(_ text: String) throws -> T { try JSONValue(parsing: text).decode() }
