/// The text of `--help`.
enum Usage {
    static let text: String = {
        var lines = [
            "Usage: skiffd [OPTIONS]", "", "The daemon of the Skiff container engine.", "", "Options:",
        ]
        var entries = OptionKey.all.filter { !$0.isRefused && $0.flag != nil }.map { key in
            let short = key.short.map { "-\($0), " } ?? "    "
            return ("  \(short)--\(key.flag ?? "")\(placeholder(key))", key.help, key.flag ?? "")
        }
        entries += [
            ("      --config-file string", "Configuration file (\(DaemonFile.defaultPath))", "config-file"),
            ("  -h, --help", "Print this text", "help"), ("  -v, --version", "Print the version", "version"),
            ("      --validate", "Check the configuration and end", "validate"),
        ]
        let width = (entries.map(\.0.count).max() ?? 0) + 3
        for entry in entries.sorted(by: { $0.2 < $1.2 }) {
            lines.append(entry.0 + String(repeating: " ", count: width - entry.0.count) + entry.1)
        }
        return lines.joined(separator: "\n")
    }()

    private static func placeholder(_ key: OptionKey) -> String {
        switch key.kind {
        case .bool, .object: ""
        case .string: " string"
        case .integer: " int"
        case .bytes: " bytes"
        case .strings, .pools: " list"
        case .map: " map"
        case .ulimits: " ulimit"
        }
    }
}
