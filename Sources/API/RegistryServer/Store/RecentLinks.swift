import OCIModel
import Synchronization

/// Which blobs were found in which repositories lately, so that a popular layer costs no query. Bounded.
final class RecentLinks: Sendable {
    struct Entry: Sendable {
        let size: Int64
        /// When the link was last pushed or asked for, in seconds since 1970, as the database has it.
        let touched: Int64
    }

    private struct Key: Hashable {
        let repository: String
        let digest: Digest
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var generation = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int = 16_384) { self.limit = limit }

    /// To be read before the database is asked; what is found goes in only if nothing was forgotten meanwhile.
    var generation: Int { state.withLock(\.generation) }

    func find(_ repository: RepositoryName, _ digest: Digest) -> Entry? {
        state.withLock { $0.entries[Key(repository: repository.description, digest: digest)] }
    }

    func insert(_ repository: RepositoryName, _ digest: Digest, _ entry: Entry, generation: Int) {
        state.withLock { state in
            guard state.generation == generation else { return }
            if state.entries.count >= limit { state.entries.removeAll(keepingCapacity: true) }
            state.entries[Key(repository: repository.description, digest: digest)] = entry
        }
    }

    func forget(_ repository: RepositoryName, _ digest: Digest) {
        state.withLock { state in
            state.generation += 1
            state.entries[Key(repository: repository.description, digest: digest)] = nil
        }
    }

    func forgetAll() {
        state.withLock { state in
            state.generation += 1
            state.entries = [:]
        }
    }
}
