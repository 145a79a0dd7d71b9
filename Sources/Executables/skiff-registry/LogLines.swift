import Glibc
import Logging
import OCIModel

/// The registry's log on standard error: `time=… level=info msg="…" key="…"`, a line per record.
struct LogLines: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    init(logLevel: Logger.Level) { self.logLevel = logLevel }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line =
            "time=\(Timestamp.now.rfc3339(fixedWidth: true)) level=\(event.level.rawValue) msg=\"\(event.message)\""
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(Self.quoted("\(value)"))"
        }
        let bytes = Array((line + "\n").utf8)
        // A log that cannot be written has no other place to be reported to.
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            default: quoted.unicodeScalars.append(scalar.value < 0x20 ? "?" : scalar)
            }
        }
        return quoted + "\""
    }
}
