import DockerAPI
import Engine
import Glibc
import HTTPTransport
import JSONCodec
import OCIModel
import Synchronization

/// Turns the progress of a pull or push, told by many threads, into lines of the answer.
///
/// The answer begins with the first line: what fails before it gets a status of its own. A slow client misses steps of a
/// bar, and no change of state.
final class TransferLines: Sendable {
    private let reply: Reply
    private let lines: AsyncStream<TransferProgress>.Continuation
    private let writer: Task<StreamReply?, any Error>
    /// When the bar of a layer was told last, in milliseconds.
    private let told = Mutex<[String: Int64]>([:])

    private static let interval: Int64 = 100

    init(reply: Reply) {
        self.reply = reply
        let (stream, continuation) = AsyncStream.makeStream(of: TransferProgress.self)
        lines = continuation
        writer = Task {
            var answer: StreamReply?
            for await progress in stream {
                if answer == nil { answer = try await reply.stream("application/json") }
                try await answer?.line(StreamMessage(progress), end: "\r\n")
            }
            return answer
        }
    }

    deinit { lines.finish() }

    var report: TransferReport {
        { progress in
            if case .bytes(let id, let state, let current, let total) = progress, current < total {
                guard self.isDue(id + state) else { return }
            }
            self.lines.yield(progress)
        }
    }

    private func isDue(_ id: String) -> Bool {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        let now = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        return told.withLock { told in
            if let last = told[id], now - last < Self.interval { return false }
            told[id] = now
            return true
        }
    }

    /// Waits until everything has gone out, and ends the answer.
    func end() async throws {
        lines.finish()
        if let answer = try await writer.value { return try await answer.finish() }
        try await reply.stream("application/json").finish()
    }

    /// Tells a failure in the answer that has begun; before that it is the request's.
    func fail(_ error: any Error) async throws {
        lines.finish()
        guard let answer = try await writer.value else { throw error }
        try await answer.line(StreamMessage(failure: Failure(error).message), end: "\r\n")
        try await answer.finish()
    }
}

extension StreamMessage {
    init(_ progress: TransferProgress) {
        self.init()
        switch progress {
        case .message(let id, let text): (self.id, status) = (id, text)
        case .layer(let id, let state):
            (self.id, status, progressDetail) = (id, state, ProgressDetail())
        case .bytes(let id, let state, let current, let total):
            var detail = ProgressDetail()
            (detail.current, detail.total) = (current, total)
            (self.id, status, progressDetail) = (id, state, detail)
            self.progress = ProgressBar.text(current: current, total: total)
        case .pushed(let tag, let digest, let size):
            progressDetail = ProgressDetail()
            aux = [
                "Tag": .string(tag), "Digest": .string(digest.description), "Size": .integer(Int64(size)),
            ]
        case .copied(let name, let bytes, let sharedBytes):
            aux = ["Name": .string(name), "Bytes": .integer(bytes), "SharedBytes": .integer(sharedBytes)]
        }
    }
}
