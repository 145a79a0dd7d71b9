import Glibc
import JSONCodec
package import Logging
import OCIModel
import Synchronization

/// A service's log on standard error: a line per record, `time="…" level=info msg="…" key=value`, or JSON.
package struct LogOutput: LogHandler {
    /// Changed while the daemon runs (SIGHUP).
    package final class Threshold: Sendable {
        private let level: Mutex<Logger.Level>

        package init(_ level: Logger.Level) { self.level = Mutex(level) }

        package var value: Logger.Level {
            get { level.withLock { $0 } }
            set { level.withLock { $0 = newValue } }
        }
    }

    let threshold: Threshold
    let isJSON: Bool
    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level {
        get { threshold.value }
        set { threshold.value = newValue }
    }

    package init(threshold: Threshold, isJSON: Bool) {
        self.threshold = threshold
        self.isJSON = isJSON
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields: [(String, String)] = [
            ("time", Timestamp.now.rfc3339(fixedWidth: true)), ("level", Self.name(event.level)),
            ("msg", "\(event.message)"),
        ]
        if let error = event.error { fields.append(("error", "\(error)")) }
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        fields += all.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        var line = isJSON ? Self.json(fields) : Self.text(fields)
        line.append(0x0A)
        // One write per line keeps lines of threads and processes apart. A log that cannot be written has no other
        // place to be reported to.
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// - Parameter text: as in dockerd's `log-level`
    package static func level(_ text: String) -> Logger.Level {
        switch text {
        case "debug": .debug
        case "warn": .warning
        case "error": .error
        case "fatal": .critical
        default: .info
        }
    }

    private static func name(_ level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warning"
        case .error: "error"
        case .critical: "fatal"
        }
    }

    private static func json(_ fields: [(String, String)]) -> [UInt8] {
        var object = JSONObject()
        for (key, value) in fields { object[key] = .string(value) }
        return JSONValue.object(object).bytes()
    }

    private static func text(_ fields: [(String, String)]) -> [UInt8] {
        var line: [UInt8] = []
        for (key, value) in fields {
            if !line.isEmpty { line.append(0x20) }
            line.append(contentsOf: key.utf8)
            line.append(UInt8(ascii: "="))
            let isPlain =
                !value.isEmpty
                && value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D && $0 != 0x5C }
            line.append(
                contentsOf: isPlain && key != "time" && key != "msg" ? Array(value.utf8) : value.jsonQuoted())
        }
        return line
    }
}
