import HTTPTransport
import DockerAPI
import Engine
import ImageStore
import JSONCodec
import OCIModel

/// `POST /images/load`: an archive comes in while it is unpacked.
struct ImageLoadRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.imageLoad, body: .stream, load)] }

    @Sendable private func load(_ request: Request, _ reply: Reply) async throws {
        let platform = try request.platform()
        let body = try request.stream()
        let progress = ProgressLines(reply: reply, isQuiet: request.query.flag("quiet", default: true))
        do {
            let result = try await engine.images.load(
                from: { RequestBodySource(body) }, platform: platform, progress: progress.report)
            try await progress.finish()
            for image in result.images { try await progress.send(Self.lines(image)) }
            try await progress.end()
        } catch {
            try await progress.fail(error)
        }
    }

    private static func lines(_ image: LoadResult.LoadedImage) -> [StreamMessage] {
        guard !image.references.isEmpty else {
            return [StreamMessage(stream: "Loaded image ID: \(image.id)\n")]
        }
        return image.references.map { StreamMessage(stream: "Loaded image: \($0.familiar)\n") }
    }
}

extension StreamMessage {
    init(stream text: String) {
        self.init()
        stream = text
    }

    init(failure message: String) {
        self.init()
        var detail = ErrorDetail()
        detail.message = message
        (errorDetail, error) = (detail, message)
    }
}

extension Request {
    /// The body, for a handler that reads while it comes.
    func stream() throws -> RequestBody {
        guard case .stream(let body) = body else { throw APIError.badRequest("a body is expected") }
        return body
    }
}

/// Turns a load's progress, told by the store's threads, into lines of the answer.
///
/// The answer begins with the first line: what fails before it gets a status of its own.
final class ProgressLines: Sendable {
    private let reply: Reply
    private let lines: AsyncStream<LoadProgress>.Continuation
    private let writer: Task<StreamReply?, any Error>

    init(reply: Reply, isQuiet: Bool) {
        self.reply = reply
        // A slow client misses steps of the bar, not the load its time.
        let (stream, continuation) = AsyncStream.makeStream(
            of: LoadProgress.self, bufferingPolicy: .bufferingNewest(64))
        lines = continuation
        writer = Task {
            var answer: StreamReply?
            for await progress in stream where !isQuiet {
                if answer == nil { answer = try await reply.stream("application/json") }
                try await answer?.line(StreamMessage(progress), end: "\r\n")
            }
            return answer
        }
    }

    deinit { lines.finish() }

    var report: @Sendable (LoadProgress) -> Void {
        let lines = lines
        return { lines.yield($0) }
    }

    /// Waits until everything reported has gone out.
    func finish() async throws {
        lines.finish()
        _ = try await writer.value
    }

    private func answer() async throws -> StreamReply {
        if let answer = try await writer.value { return answer }
        if reply.writer.hasStarted { return StreamReply(writer: reply.writer) }
        return try await reply.stream("application/json")
    }

    func send(_ messages: [StreamMessage]) async throws {
        let answer = try await answer()
        for message in messages { try await answer.line(message, end: "\r\n") }
    }

    func end() async throws { try await answer().finish() }

    /// Tells a failure in the answer that has begun; before that it is the request's.
    func fail(_ error: any Error) async throws {
        lines.finish()
        let begun = try await writer.value
        guard begun != nil || reply.writer.hasStarted else { throw error }
        try await send([StreamMessage(failure: Failure(error).message)])
        try await end()
    }
}

extension StreamMessage {
    init(_ progress: LoadProgress) {
        self.init()
        switch progress {
        case .layer(let layer, let current, let total):
            (status, id) = ("Loading layer", layer)
            var detail = ProgressDetail()
            (detail.current, detail.total) = (current, total ?? 0)
            progressDetail = detail
            self.progress = ProgressBar.text(current: current, total: total)
        case .layerComplete(let layer):
            (status, id, progressDetail) = ("Load complete", layer, ProgressDetail())
        }
    }
}

/// The text beside a progress line, for clients that do not draw their own.
enum ProgressBar {
    static func text(current: Int64, total: Int64?) -> String {
        guard let total, total > 0, current <= total else { return size(current) }
        let filled = Int(current * 50 / total)
        let bar = String(repeating: "=", count: filled) + (filled < 50 ? ">" : "")
        return "[\(bar)\(String(repeating: " ", count: 50 - min(50, filled + (filled < 50 ? 1 : 0))))]  "
            + "\(size(current))/\(size(total))"
    }

    /// Four digits and a decimal unit.
    private static func size(_ bytes: Int64) -> String {
        var value = Double(bytes)
        for unit in ["B", "kB", "MB", "GB", "TB"] {
            if value < 1000 || unit == "TB" {
                let tenths = unit == "B" ? value : (value * 10).rounded() / 10
                return "\(JSONValue.double(tenths).text())\(unit)"
            }
            value /= 1000
        }
        return "\(bytes)B"
    }
}
