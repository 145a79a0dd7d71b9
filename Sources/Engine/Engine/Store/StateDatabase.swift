import OCIModel
import GRDB
import LinuxKernel
import Synchronization

/// The durable state of one data root (SQLite, write-ahead log). Writes are gathered: whatever waits while a
/// transaction runs goes into the next one, so many containers share one sync of the disk.
final class StateDatabase: Sendable {
    enum Durability: Sendable {
        /// Survives the end of this process, not of the machine. Costs no sync.
        case processCrash
        /// Survives a power cut.
        case powerCut
    }

    private struct Pending {
        let durability: Durability
        let change: @Sendable (Database) throws -> Void
        let done: @Sendable (Result<Void, any Error>) -> Void
    }

    private struct Queue {
        var pending: [Pending] = []
        var isWriting = false
    }

    let writer: DatabaseQueue
    private let pool: BlockingPool
    private let queue = Mutex(Queue())

    init(folder: String, pool: BlockingPool) throws {
        self.pool = pool
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.label = "state"
        configuration.prepareDatabase { database in
            // Pages of 4 KB, negative is KB: the daemon's idle memory counts.
            try database.execute(sql: "PRAGMA cache_size = -512")
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(sql: "PRAGMA wal_autocheckpoint = 1000")
        }
        writer = try DatabaseQueue(path: "\(folder)/state.db", configuration: configuration)
        try Self.migrations.migrate(writer)
    }

    /// Makes a change durable; returns when it is. Blocks no thread meanwhile.
    func commit(
        _ durability: Durability, _ change: @escaping @Sendable (Database) throws -> Void
    ) async throws {
        try await withCheckedThrowingContinuation { continuation in
            enqueue(durability, change) { continuation.resume(with: $0) }
        }
    }

    /// Makes a change durable some time soon, in order with all others.
    /// - Parameter failed: called with what went wrong
    func commitLater(
        _ durability: Durability, failed: @escaping @Sendable (any Error) -> Void,
        _ change: @escaping @Sendable (Database) throws -> Void
    ) {
        enqueue(durability, change) { if case .failure(let error) = $0 { failed(error) } }
    }

    /// Blocks until nothing is left to write.
    func close() throws { try writer.close() }

    /// Reads; blocks.
    func read<T>(_ body: (Database) throws -> T) throws -> T { try writer.read(body) }

    private func enqueue(
        _ durability: Durability, _ change: @escaping @Sendable (Database) throws -> Void,
        _ done: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        let starts = queue.withLock { queue in
            queue.pending.append(Pending(durability: durability, change: change, done: done))
            if queue.isWriting { return false }
            queue.isWriting = true
            return true
        }
        if starts { pool.submit { self.drain() } }
    }

    private func drain() {
        while true {
            let batch = queue.withLock { queue in
                if queue.pending.isEmpty { queue.isWriting = false }
                defer { queue.pending = [] }
                return queue.pending
            }
            if batch.isEmpty { return }
            write(batch)
        }
    }

    private func write(_ batch: [Pending]) {
        let isRelaxed = batch.allSatisfy { $0.durability == .processCrash }
        var results: [Result<Void, any Error>] = []
        do {
            try writer.writeWithoutTransaction { database in
                if isRelaxed { try database.execute(sql: "PRAGMA synchronous = NORMAL") }
                defer { if isRelaxed { try? database.execute(sql: "PRAGMA synchronous = FULL") } }
                try database.inTransaction(.immediate) {
                    for pending in batch {
                        results.append(
                            Result {
                                try database.inSavepoint {
                                    try pending.change(database); return .commit
                                }
                            })
                    }
                    return .commit
                }
            }
        } catch {
            results = batch.map { _ in .failure(Self.error(error)) }
        }
        for (pending, result) in zip(batch, results) { pending.done(result.mapError(Self.error)) }
    }

    private static func error(_ error: any Error) -> any Error {
        if error is EngineError { return error }
        guard let error = error as? DatabaseError else {
            return EngineError(.stateCorrupted, "cannot change the state database: \(error)", cause: error)
        }
        let isFull = error.resultCode == .SQLITE_FULL || error.resultCode == .SQLITE_IOERR
        return EngineError(
            .stateCorrupted, "cannot change the state database: \(error.message ?? "\(error.resultCode)")",
            cause: error, category: isFull ? .exhausted : nil)
    }

    private static var migrations: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("engine-1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE container (
                        id TEXT PRIMARY KEY NOT NULL,
                        name TEXT NOT NULL UNIQUE,
                        definition TEXT NOT NULL,
                        progress TEXT NOT NULL
                    );
                    CREATE TABLE exec (
                        id TEXT PRIMARY KEY NOT NULL,
                        container TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
                        record TEXT NOT NULL
                    );
                    CREATE INDEX exec_container ON exec (container);
                    CREATE TABLE setting (
                        name TEXT PRIMARY KEY NOT NULL,
                        value TEXT NOT NULL
                    );
                    """)
        }
        return migrator
    }
}
