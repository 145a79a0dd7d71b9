import ShimProtocol
import Synchronization

/// The exec sessions of all containers. Ends are recorded on the event thread, so that whoever asks the shim anything
/// afterwards finds them here.
final class ExecTable: Sendable {
    private let state = Mutex<[String: ExecRecord]>([:])
    /// When each session was added, to know the oldest: one that has just ended is about to be asked for.
    private let ages = Mutex<(last: UInt64, of: [String: UInt64])>((0, [:]))
    /// Those who wait for an end: of probes only.
    private let expected = Mutex<[String: OneShot<Int32>]>([:])
    /// Sessions that ended are kept, so that their exit codes can be asked for; of each container the last so many.
    private static let keptPerContainer = 64

    func load(_ records: [ExecRecord]) {
        state.withLock { state in for record in records { state[record.id] = record } }
    }

    func find(_ id: String) throws(EngineError) -> ExecRecord {
        let found: ExecRecord? = state.withLock { state in
            if let exact = state[id] { return exact }
            let matches = id.utf8.count >= 4 ? state.values.filter { $0.id.hasPrefix(id) } : []
            return matches.count == 1 ? matches[0] : nil
        }
        guard let found else { throw .noSuchExec(id) }
        return found
    }

    /// Adds a session, and forgets the oldest of the same container that have ended.
    /// - Returns: the ids of the forgotten
    func add(_ record: ExecRecord) -> [String] {
        let age = ages.withLock { ages in
            ages.last += 1
            ages.of[record.id] = ages.last
            return ages.of
        }
        let forgotten = add(record, age)
        ages.withLock { for id in forgotten { $0.of[id] = nil } }
        return forgotten
    }

    private func add(_ record: ExecRecord, _ ages: [String: UInt64]) -> [String] {
        state.withLock { state in
            state[record.id] = record
            let ended = state.values.filter { $0.containerID == record.containerID && $0.exitCode != nil }
            guard ended.count > Self.keptPerContainer else { return [] }
            let oldest = ended.map(\.id).sorted { (ages[$0] ?? 0) < (ages[$1] ?? 0) }
            let forgotten = Array(oldest.prefix(ended.count - Self.keptPerContainer))
            for id in forgotten { state[id] = nil }
            return forgotten
        }
    }

    /// Adds a session of the engine's own; it is not recorded, and to be removed by who made it.
    /// - Returns: what is fulfilled with the exit code
    func expect(_ record: ExecRecord) -> OneShot<Int32> {
        let end = OneShot<Int32>()
        expected.withLock { $0[record.id] = end }
        state.withLock { $0[record.id] = record }
        return end
    }

    func remove(_ id: String) {
        state.withLock { $0[id] = nil }
        expected.withLock { $0[id] = nil }
    }

    /// - Returns: the session, to be started by the caller and nobody else; nil where it has been started before
    func claim(_ id: String) -> ExecRecord? {
        state.withLock { state in
            guard var record = state[id], !record.hasStarted else { return nil }
            record.hasStarted = true
            state[id] = record
            return record
        }
    }

    func started(_ id: String, pid: Int32) { state.withLock { $0[id]?.pid = pid } }

    func failed(_ id: String, code: Int32) { state.withLock { $0[id]?.exitCode = code } }

    func ended(_ exit: ExecExit) {
        state.withLock { state in
            state[exit.execID]?.exitCode = exit.code
            state[exit.execID]?.pid = exit.pid
        }
        expected.withLock { $0[exit.execID] }?.fulfil(exit.code)
    }

    func current(_ id: String) -> ExecRecord? { state.withLock { $0[id] } }

    /// Sessions that have not ended.
    func ids(of container: String) -> [String] {
        state.withLock { state in
            state.values.filter { $0.containerID == container && $0.exitCode == nil }.map(\.id).sorted()
        }
    }

    /// The container has ended, and everything in it: what nobody has reported was killed.
    func endAll(of container: String) {
        state.withLock { state in
            for (id, record) in state
            where record.containerID == container && record.hasStarted && record.exitCode == nil {
                state[id]?.exitCode = 137
            }
        }
    }

    func removeAll(of container: String) {
        let ids = state.withLock { state in
            let ids = state.values.filter { $0.containerID == container }.map(\.id)
            for id in ids { state[id] = nil }
            return ids
        }
        ages.withLock { for id in ids { $0.of[id] = nil } }
    }
}
