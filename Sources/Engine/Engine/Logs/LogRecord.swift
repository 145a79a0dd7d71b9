import JSONCodec
import OCIModel

extension LogEntry {
    /// Reads one line of Docker's json-file format, without its line end; nil where the line is none.
    init?(jsonLine line: UnsafeBufferPointer<UInt8>) {
        guard let record = try? JSONValue(parsing: line), let text = record["log"]?.stringValue,
            let stream = Self.stream(record["stream"]?.stringValue),
            let time = record["time"]?.stringValue.flatMap(Timestamp.init(rfc3339:))
        else { return nil }
        self.init(stream: stream, time: time, bytes: Array(text.utf8))
        for (key, value) in record["attrs"]?.objectValue ?? JSONObject() {
            attributes[key] = value.stringValue
        }
    }

    private static func stream(_ name: String?) -> OutputStream? {
        switch name {
        case "stdout": .standardOutput
        case "stderr": .standardError
        default: nil
        }
    }
}
