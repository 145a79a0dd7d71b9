/// Hands chunks from one thread to another in order; the producer waits while `depth` are on the way.
final class ChunkQueue: @unchecked Sendable {
    private let monitor = Monitor()
    private let depth: Int
    private var waiting: [Chunk] = []
    private var isFinished = false
    private var failure: (any Error)?

    init(depth: Int) { self.depth = depth }

    /// - Throws: what the other side failed with
    func push(_ chunk: Chunk) throws {
        try monitor.withLock {
            while waiting.count >= depth, failure == nil { monitor.wait() }
            if let failure { throw failure }
            waiting.append(chunk)
            monitor.wakeAll()
        }
    }

    /// - Returns: nil at the end
    /// - Throws: what the other side failed with
    func pop() throws -> Chunk? {
        try monitor.withLock {
            while waiting.isEmpty, !isFinished, failure == nil { monitor.wait() }
            if let failure { throw failure }
            guard !waiting.isEmpty else { return nil }
            let chunk = waiting.removeFirst()
            monitor.wakeAll()
            return chunk
        }
    }

    /// Nothing more will be pushed.
    func finish() {
        monitor.withLock {
            isFinished = true
            monitor.wakeAll()
        }
    }

    /// Ends both sides; the first failure counts.
    func fail(_ error: any Error) {
        monitor.withLock {
            if failure == nil { failure = error }
            waiting.removeAll()
            monitor.wakeAll()
        }
    }
}
