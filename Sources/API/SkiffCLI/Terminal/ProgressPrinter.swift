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
            try update(id, "\(id): \(status)", progress)
        } else if progress.isEmpty {
            try write("\(id): \(status)\n")
        }
    }

    /// Lines are never wider than the terminal is now, or they would take two rows; those that have left it at the top
    /// stay as they were.
    private mutating func update(_ id: String, _ text: String, _ progress: String) throws {
        let (height, width) = RawTerminal.size(of: descriptor) ?? (24, 80)
        var line = text
        if !progress.isEmpty { line += " " + Self.fitting(progress, width - text.count - 1) }
        line = String(line.prefix(max(1, width - 1)))
        guard let row = rows.firstIndex(of: id) else {
            rows.append(id)
            return try write(line + "\n")
        }
        let distance = rows.count - row
        guard distance < height else { return }
        try write("\u{1B}[\(distance)A\r\u{1B}[2K\(line)\u{1B}[\(distance)B\r")
    }

    /// `[====>   ]  1MB/2MB`, without the bar where that has no room.
    private static func fitting(_ progress: String, _ width: Int) -> String {
        guard progress.count >= width, let end = progress.lastIndex(of: "]") else { return progress }
        return String(progress[progress.index(after: end)...].drop { $0 == " " })
    }

    private func write(_ text: String) throws { try writeAll(descriptor, Array(text.utf8)) }
}
