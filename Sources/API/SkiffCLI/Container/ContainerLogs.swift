import GoTemplate
import EngineClient
import JSONCodec
import Glibc
import LinuxKernel
import OCIModel

/// `logs`
enum ContainerLogs {
    private static let details = Flag("details", .bool, "Show the further details that the log driver keeps")
    private static let follow = Flag("follow", "f", .bool, "Go on with what is written from now on")
    private static let since = Flag(
        "since", .string,
        "Only what was written since a time (as \"2013-01-02T13:23:37Z\") or for a span (as \"42m\")")
    private static let tail = Flag("tail", "n", .string, "Number of lines from the end", initial: "all")
    private static let timestamps = Flag("timestamps", "t", .bool, "Show the time of each line")
    private static let until = Flag(
        "until", .string,
        "Only what was written before a time (as \"2013-01-02T13:23:37Z\") or a span ago (as \"42m\")")

    static func command() -> Command {
        Command(
            paths: ["container logs", "logs"], usage: "[OPTIONS] CONTAINER",
            summary: "Print a container's log",
            flags: [details, follow, since, tail, timestamps, until], arguments: .exactly(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let name = invocation.arguments[0]
        let client = try invocation.client
        let container = try client.json(.container(.get, name, "json"))
        let isTerminal = container["Config"]?["Tty"]?.boolValue ?? false
        var query: [(name: String, value: String)] = [("stderr", "1"), ("stdout", "1")]
        if invocation.bool(follow) { query.append(("follow", "1")) }
        if invocation.bool(timestamps) { query.append(("timestamps", "1")) }
        if invocation.bool(details) { query.append(("details", "1")) }
        query.append(("tail", invocation.string(tail)))
        for flag in [since, until] where !invocation.string(flag).isEmpty {
            query.append((flag.name, try TimeArgument.seconds(invocation.string(flag), flag.name)))
        }
        let response = try client.send(
            .container(.get, container["Id"]?.stringValue ?? name, "logs", query: query))
        return try copy(response, isTerminal: isTerminal, client)
    }

    private static func copy(_ response: EngineResponse, isTerminal: Bool, _ client: EngineClient) throws
        -> Int32
    {
        var frames = FrameReader()
        var failure: SystemCallError?
        func write(_ bytes: UnsafeBufferPointer<UInt8>, _ descriptor: Int32) {
            guard failure == nil else { return }
            do throws(SystemCallError) { try writeAll(descriptor, bytes) } catch { failure = error }
        }
        return try Output.whileRead(response) {
            while try response.readPiece({ bytes in
                if isTerminal {
                    write(bytes, 1)
                } else {
                    frames.read(bytes) { stream, payload in write(payload, stream == 1 ? 1 : 2) }
                }
            }) {
                if let failure { throw failure }
            }
            return 0
        }
    }
}

/// Times that users give: RFC 3339 in several lengths, seconds since 1970, or a span before now.
enum TimeArgument {
    /// - Parameter flag: the flag that a message names; empty for none
    /// - Returns: seconds since 1970, with a fraction where there is one, as the API takes them
    static func seconds(_ text: String, _ flag: String = "", now: Timestamp = .now) throws -> String {
        if text != "0", let span = FlagText.duration(text) {
            return format(Timestamp(totalNanoseconds: now.totalNanoseconds - span))
        }
        if let moment = moment(text) { return format(moment) }
        if let (whole, fraction) = text.cut("."), Int64(whole) != nil, Int64(fraction) != nil,
            fraction.count <= 9
        {
            return text
        }
        if let seconds = Int64(text) { return "\(seconds)" }
        let reason = "failed to parse value as time or duration: \(GoPrinter.quoted(text))"
        throw CommandError(
            .invalidArgument, flag.isEmpty ? reason : "invalid value for \(GoPrinter.quoted(flag)): \(reason)"
        )
    }

    private static func format(_ moment: Timestamp) -> String {
        let digits = String(moment.nanoseconds)
        return "\(moment.seconds)." + String(repeating: "0", count: 9 - digits.count) + digits
    }

    /// RFC 3339, or its beginning, which is in local time: `2013-01-02T13:23:37`, `…T13:23`, `…T13`, `2013-01-02`.
    private static func moment(_ text: String) -> Timestamp? {
        if let moment = Timestamp(rfc3339: text) { return moment }
        var full = text
        let zone = zone(of: &full)
        switch full.utf8.count {
        case 10: full += "T00:00:00"
        case 13: full += ":00:00"
        case 16: full += ":00"
        default: break
        }
        guard let moment = Timestamp(rfc3339: full + (zone.isEmpty ? "Z" : zone)) else { return nil }
        if !zone.isEmpty { return moment }
        return Timestamp(
            seconds: moment.seconds - localOffset(moment.seconds), nanoseconds: moment.nanoseconds)
    }

    /// Takes the zone off a time that is shorter than RFC 3339 wants it.
    private static func zone(of text: inout String) -> String {
        if text.hasSuffix("Z") {
            text.removeLast()
            return "Z"
        }
        guard text.contains("T"), let mark = text.lastIndex(where: { $0 == "+" || $0 == "-" }),
            text[mark...].utf8.count == 6, text[..<mark].contains("T")
        else { return "" }
        let zone = String(text[mark...])
        text = String(text[..<mark])
        return zone
    }

    /// Seconds that local time was ahead of UTC.
    private static func localOffset(_ seconds: Int64) -> Int64 {
        var time = time_t(seconds)
        var fields = tm()
        localtime_r(&time, &fields)
        return Int64(fields.tm_gmtoff)
    }
}
