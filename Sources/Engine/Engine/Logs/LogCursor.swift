import CLinux
import Glibc
import LinuxKernel
import Logging
import OCIModel
import Synchronization

/// One client's way through a container's log. `next` is called by one task at a time; nothing is read ahead of it, so a
/// slow client costs no memory.
actor LogCursor {
    private var reader: LogFileReader
    private let options: LogOptions
    private let pool: BlockingPool
    private let changes: LogChanges?
    private var endWatch: Task<Void, Never>?
    private var isOver = false
    private var reportedLines = 0
    private let logger: Logger

    /// - Parameter ended: returns when nothing more is written to the log; asked only when following
    init(
        path: String, options: LogOptions, pool: BlockingPool, reactor: Reactor, logger: Logger,
        ended: @escaping @Sendable () async throws -> Void
    ) async throws {
        self.options = options
        self.pool = pool
        self.logger = logger
        // Watch before the first read: what is written in between then counts as a change.
        changes =
            options.follow ? try LogChanges(folderOf: path, reactor: reactor, until: options.until) : nil
        reader = try await pool.run { try LogFileReader(path: path, tail: options.tail) }
        if let changes {
            endWatch = Task {
                do { try await ended() } catch { return }
                changes.finish()
            }
        }
    }

    deinit { endWatch?.cancel() }

    /// The next entries; nil at the end of the log.
    func next() async throws -> [LogEntry]? {
        while !isOver {
            // Asked before reading: what came before the end is then read below.
            let last = changes?.isFinished ?? true
            let seen = changes?.count ?? 0
            let batch = try await readBatch()
            if !batch.isEmpty {
                let entries = select(batch)
                if !entries.isEmpty { return entries }
            } else if last {
                isOver = true
            } else {
                try await changes?.wait(after: seen)
            }
        }
        return nil
    }

    private func readBatch() async throws -> [LogEntry] {
        let before = reader
        let (batch, after) = try await pool.run {
            var reader = before
            let batch = try reader.nextBatch()
            return (batch, reader)
        }
        reader = after
        if reader.skippedLines > reportedLines {
            logger.warning("log lines are not readable", metadata: ["lines": "\(reader.skippedLines)"])
            reportedLines = reader.skippedLines
        }
        return batch
    }

    private func select(_ batch: [LogEntry]) -> [LogEntry] {
        batch.filter { entry in
            if let since = options.since, entry.time < since { return false }
            if let until = options.until, entry.time > until {
                isOver = true
                return false
            }
            return entry.stream == .standardOutput ? options.standardOutput : options.standardError
        }
    }
}

/// Tells that files of a folder changed (inotify(7)), or that they will not change any more.
final class LogChanges: Sendable {
    private struct State {
        var count: UInt64 = 0
        var isFinished = false
        var waiting: CheckedContinuation<Void, any Error>?

        mutating func take() -> CheckedContinuation<Void, any Error>? {
            defer { waiting = nil }
            return waiting
        }
    }

    private let state = Mutex(State())
    private let inotify: SharedDescriptor
    private let reactor: Reactor
    private let token: Mutex<(watch: Reactor.Token?, timer: Reactor.Token?)>

    init(folderOf path: String, reactor: Reactor, until: Timestamp?) throws(SystemCallError) {
        self.reactor = reactor
        token = Mutex((nil, nil))
        inotify = SharedDescriptor(
            Descriptor(owning: try rawCall("inotify_init1") { skiff_inotify_create() }))
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = inotify.rawValue
        try rawCall("inotify_add_watch", folder) { skiff_inotify_watch_folder(descriptor, folder) }
        let watch = try reactor.add(descriptor) { [weak self] in self?.changed() }
        let timer = until.map { until in
            let delay = (until.totalNanoseconds - Timestamp.now.totalNanoseconds) / 1_000_000 + 1
            return reactor.schedule(after: max(0, delay)) { [weak self] in self?.finish() }
        }
        token.withLock { $0 = (watch, timer) }
    }

    deinit {
        let (watch, timer) = token.withLock { $0 }
        if let watch { reactor.remove(watch) }
        if let timer { reactor.cancel(timer) }
    }

    var isFinished: Bool { state.withLock { $0.isFinished } }
    var count: UInt64 { state.withLock { $0.count } }

    func finish() {
        state.withLock { state in
            state.isFinished = true
            return state.take()
        }?.resume()
    }

    /// Returns when something changed since `count` was `seen`.
    func wait(after seen: UInt64) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.isFinished || state.count != seen { return .success(()) }
                    state.waiting = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.take() }?.resume(throwing: CancellationError())
        }
    }

    private func changed() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while read(inotify.rawValue, &buffer, buffer.count) > 0 {}
        state.withLock { state in
            state.count += 1
            return state.take()
        }?.resume()
    }
}
