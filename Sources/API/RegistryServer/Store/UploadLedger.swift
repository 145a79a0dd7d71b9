import Synchronization

/// What unfinished uploads take of the disk, by repository: a quota counts it as it counts blobs.
final class UploadLedger: Sendable {
    private struct State {
        var total: Int64 = 0
        var own: [RepositoryName: Int64] = [:]
    }

    private let state = Mutex(State())

    /// - Returns: bytes of the unfinished uploads of all repositories, and of this one, with what was added
    @discardableResult
    func add(_ count: Int64, to repository: RepositoryName) -> (total: Int64, own: Int64) {
        state.withLock { state in
            state.total += count
            let own = state.own[repository, default: 0] + count
            state.own[repository] = own == 0 ? nil : own
            return (state.total, own)
        }
    }

    var total: Int64 { state.withLock(\.total) }
}
