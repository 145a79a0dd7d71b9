import ImageStore
import Synchronization

/// Blocking jobs on a few threads of their own, for one operation.
enum ParallelJobs {
    /// Runs `job` for every number below `count`, at most `width` at a time, lower numbers first, and waits for all.
    /// - Parameter onFailure: called once, as soon as one has failed, to end the others early
    /// - Throws: what failed first
    static func run(
        count: Int, width: Int, onFailure: @escaping @Sendable () -> Void,
        _ job: @escaping @Sendable (Int) throws -> Void
    ) throws {
        struct State {
            var next = 0
            var failure: (any Error)?
        }
        let state = Mutex(State())
        let take: @Sendable () -> Int? = {
            state.withLock { state in
                guard state.next < count, state.failure == nil else { return nil }
                defer { state.next += 1 }
                return state.next
            }
        }
        let work: @Sendable () -> Void = {
            while let index = take() {
                do {
                    try job(index)
                } catch {
                    let isFirst = state.withLock { state in
                        defer { state.failure = state.failure ?? error }
                        return state.failure == nil
                    }
                    if isFirst { onFailure() }
                }
            }
        }
        var threads: [WorkerThread] = []
        for _ in 1..<max(1, min(width, count)) {
            // With fewer threads it takes longer, and goes on.
            guard let thread = try? WorkerThread(work) else { break }
            threads.append(thread)
        }
        work()
        for thread in threads { thread.join() }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }
}
