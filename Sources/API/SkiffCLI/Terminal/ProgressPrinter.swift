import JSONCodec
import LinuxKernel

/// Prints the messages that the daemon sends while it pulls, loads or imports: in place on a terminal, else a line
/// for each change of state.
struct ProgressPrinter {
    private let descriptor: Int32
    private let isTerminal: Bool
    private let isQuiet: Bool
    /// Lines on the terminal by the identifier that they are about.
    private var rows: [String] = []

    /// - Parameter quiet: only errors count
    init(descriptor: Int32, quiet: Bool = false) {
        self.descriptor = descriptor
        isQuiet = quiet
        isTerminal = RawTerminal.isTerminal(descriptor)
    }

    /// Prints one message.
    /// - Throws: `CommandError` where it reports a failure
    mutating func show(_ message: JSONValue) throws {
        if let text = message["errorDetail"]?["message"]?.stringValue ?? message["error"]?.stringValue {
            throw CommandError(.daemon, text)
        }
        if isQuiet { return }
        if let text = message["stream"]?.stringValue { return try write(text) }
        guard let status = message["status"]?.stringValue else { return }
        let progress = message["progress"]?.stringValue ?? ""
        guard let id = message["id"]?.stringValue, !id.isEmpty else {
            rows = []
            return try write(status + "\n")
        }
        if isTerminal {
            try update(id, "\(id): \(status)\(progress.isEmpty ? "" : " " + progress)")
        } else if progress.isEmpty {
            try write("\(id): \(status)\n")
        }
    }

    private mutating func update(_ id: String, _ text: String) throws {
        guard let row = rows.firstIndex(of: id) else {
            rows.append(id)
            return try write(text + "\n")
        }
        let distance = rows.count - row
        try write("\u{1B}[\(distance)A\r\u{1B}[2K\(text)\u{1B}[\(distance)B\r")
    }

    private func write(_ text: String) throws { try writeAll(descriptor, Array(text.utf8)) }
}
