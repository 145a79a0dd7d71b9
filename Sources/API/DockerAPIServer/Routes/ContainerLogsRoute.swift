import HTTPTransport
import DockerAPI
import Engine
import OCIModel

/// `GET /containers/{id}/logs`.
struct ContainerLogsRoute: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.containerLogs, endsWithClient: true, logs)] }

    @Sendable private func logs(_ request: Request, _ reply: Reply) async throws {
        var options = LogOptions()
        options.standardOutput = request.query.flag("stdout")
        options.standardError = request.query.flag("stderr")
        guard options.standardOutput || options.standardError else {
            throw APIError.badRequest("Bad parameters: you must choose at least one stream")
        }
        options.follow = request.query.flag("follow")
        options.since = try TimeText.parse(request.query["since"], name: "since")
        options.until = try TimeText.parse(request.query["until"], name: "until")
        options.tail = try Self.tail(request.query["tail"])
        let sequence = try await engine.containers.logs(request.reference, options)
        let frame = LogFrame(
            terminal: sequence.terminal, timestamps: request.query.flag("timestamps"),
            details: request.query.flag("details"))
        let stream = try await reply.stream(
            ContentType.stream(terminal: sequence.terminal, version: request.version, hijacked: false))
        for try await batch in sequence {
            var bytes: [UInt8] = []
            for entry in batch { frame.append(entry, to: &bytes) }
            try await stream.write(bytes)
        }
        try Task.checkCancellation()
        try await stream.finish()
    }

    /// nil is everything, which is also what a text that is no number means.
    private static func tail(_ text: String?) throws -> Int? {
        guard let text, !text.isEmpty, text != "all", let number = Int(text) else { return nil }
        return number < 0 ? nil : number
    }
}

/// How a log entry is written to a client.
struct LogFrame {
    let terminal: Bool
    let timestamps: Bool
    let details: Bool

    /// Docker's frame: stream, three zeros, the length in four bytes, the message. A terminal's log has none.
    func append(_ entry: LogEntry, to bytes: inout [UInt8]) {
        var prefix = ""
        if timestamps { prefix = entry.time.rfc3339(fixedWidth: true) + " " }
        if details {
            let pairs = entry.attributes.sorted { $0.key < $1.key }.map {
                "\(Self.escape($0.key))=\(Self.escape($0.value))"
            }
            prefix += pairs.joined(separator: ",") + " "
        }
        if !terminal {
            let length = UInt32(prefix.utf8.count + entry.bytes.count)
            bytes.append(contentsOf: [entry.stream.rawValue, 0, 0, 0])
            for shift: UInt32 in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
        }
        bytes.append(contentsOf: prefix.utf8)
        bytes.append(contentsOf: entry.bytes)
    }

    /// Percent escapes as in a query.
    private static func escape(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            case 0x20: escaped += "+"
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                escaped += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return escaped
    }
}

enum ContentType {
    static let raw = "application/vnd.docker.raw-stream"

    /// Of a container's output.
    static func stream(terminal: Bool, version: APIVersion, hijacked: Bool) -> String {
        guard !terminal else { return raw }
        if version.namesFraming { return "application/vnd.docker.multiplexed-stream" }
        return raw
    }
}

/// A moment as clients send it: seconds with a fraction (`1609459200.000000001`), or RFC 3339.
enum TimeText {
    /// nil for an absent, empty or zero one.
    static func parse(_ text: String?, name: String) throws -> Timestamp? {
        guard let text, !text.isEmpty, text != "0" else { return nil }
        if let time = Timestamp(rfc3339: text) { return time }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let seconds = Int64(parts[0]) else {
            throw APIError.badRequest("invalid value for \"\(name)\": \"\(text)\" is no time")
        }
        guard parts.count == 2, !parts[1].isEmpty else { return Timestamp(seconds: seconds) }
        let digits = parts[1].prefix(9)
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), var fraction = Int32(digits) else {
            throw APIError.badRequest("invalid value for \"\(name)\": \"\(text)\" is no time")
        }
        for _ in digits.count..<9 { fraction *= 10 }
        return Timestamp(seconds: seconds, nanoseconds: fraction)
    }

    /// As filters carry times, which are the user's own text: a span before now, such as `1h30m`, or a date besides.
    static func parseFilter(_ text: String?, name: String, now: Timestamp = .now) throws -> Timestamp? {
        guard let text, !text.isEmpty else { return nil }
        if let span = nanoseconds(text) { return Timestamp(totalNanoseconds: now.totalNanoseconds - span) }
        for rest in ["Z", ":00Z", "T00:00:00Z"] {
            if let time = Timestamp(rfc3339: text + rest) { return time }
        }
        return try parse(text, name: name)
    }

    /// Go's durations: `10m`, `1h30m`, `1.5s`, `300ms`.
    private static func nanoseconds(_ text: String) -> Int64? {
        let units: [String: Double] = [
            "ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 6e10, "h": 3.6e12,
        ]
        var (rest, sum) = (text[...], 0.0)
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !($0.isASCII && $0.isNumber || $0 == ".") }
            rest = rest.dropFirst(unit.count)
            guard let value = Double(digits), let factor = units[String(unit)] else { return nil }
            sum += value * factor
        }
        return text.isEmpty ? nil : Int64(exactly: sum.rounded())
    }
}
