import GoTemplate
import Glibc

/// What `--help` prints, in the layout of Docker's command.
struct HelpText {
    let program: String
    /// Columns of the terminal.
    let width: Int

    init(program: String, width: Int = HelpText.terminalWidth) {
        self.program = program
        self.width = width
    }

    static var terminalWidth: Int {
        var size = winsize()
        return ioctl(0, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    func command(_ command: Command, path: String) -> String {
        var text = usage(command, path: path) + "\n\n\(command.summary)\n"
        if command.paths.count > 1 {
            text += "\nAliases:\n  " + command.paths.map { "\(program) \($0)" }.joined(separator: ", ") + "\n"
        }
        let visible = command.flags.filter { !$0.isHidden }
        if !visible.isEmpty { text += "\nOptions:\n" + options(visible) }
        return text
    }

    func usage(_ command: Command, path: String) -> String {
        "Usage:  \(program) \(path)" + (command.usage.isEmpty ? "" : " \(command.usage)")
    }

    // MARK: Groups of commands

    func group(_ name: String, _ entries: [(name: String, summary: String)]) -> String {
        var text = "Usage:  \(program) \(name) COMMAND\n\n\(CommandTable.groupSummary(name))\n\nCommands:\n"
        text += list(entries, width: 11)
        return text + "\nRun '\(program) \(name) COMMAND --help' for more information on a command.\n"
    }

    func overview() -> String {
        var text = "Usage:  \(program) [OPTIONS] COMMAND\n\nA container engine in one small program\n"
        for (title, entries) in CommandTable.overview {
            text += "\n\(title):\n" + list(entries, width: 11)
        }
        text += "\nGlobal Options:\n" + options(GlobalFlags.all)
        return text + "\nRun '\(program) COMMAND --help' for more information on a command.\n"
    }

    private func list(_ entries: [(name: String, summary: String)], width: Int) -> String {
        entries.map { entry in
            "  " + entry.name + String(repeating: " ", count: max(1, width + 1 - entry.name.count))
                + entry.summary + "\n"
        }.joined()
    }

    // MARK: Options

    func options(_ flags: [Flag]) -> String {
        let rows = flags.sorted { $0.name < $1.name }.map { flag in
            let short = flag.short.map { "-\($0), " } ?? "    "
            let type = flag.kind == .bool ? "" : " \(flag.kind.typeName)"
            return (left: "  \(short)--\(flag.name)\(type)", right: flag.usage + defaultText(flag))
        }
        let column = (rows.map(\.left.count).max() ?? 0) + 3
        return rows.map { row in
            row.left + String(repeating: " ", count: column - row.left.count)
                + Self.wrapped(row.right, indent: column, width: width - 1) + "\n"
        }.joined()
    }

    private func defaultText(_ flag: Flag) -> String {
        let text = flag.initial
        if text.isEmpty || text == "false" || text == "0" || text == "0s" { return "" }
        let isString = flag.kind == .string
        return isString ? " (default \(GoPrinter.quoted(text)))" : " (default \(text))"
    }

    /// Breaks a text at spaces; a last word that would stand alone may pass the border by a little.
    static func wrapped(_ text: String, indent: Int, width: Int) -> String {
        let slop = 5
        let room = width - indent - slop
        let margin = "\n" + String(repeating: " ", count: indent)
        guard room > 20 else { return text.split(separator: "\n").joined(separator: margin) }
        var lines: [String] = []
        for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var rest = paragraph
            while rest.count >= room + slop, let cut = rest.prefix(room).lastIndex(of: " "),
                cut > rest.startIndex
            {
                lines.append(String(rest[..<cut]))
                rest = rest[rest.index(after: cut)...]
            }
            lines.append(String(rest))
        }
        return lines.joined(separator: margin)
    }
}
