import JSONCodec

/// The command line, read against the table of keys. Values have the form that daemon.json gives them.
struct Flags: Equatable {
    var values = JSONObject()
    var configFile: String?
    var wantsHelp = false
    var wantsVersion = false
    /// Checks the configuration and ends (`--validate`).
    var validates = false

    /// - Throws: `OptionError`
    init(_ arguments: [String]) throws(OptionError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument != "-" else {
                throw OptionError(
                    "unknown argument \"\(argument)\": skiffd takes flags only, see 'skiffd --help'")
            }
            let (name, inline) = Self.split(argument)
            try accept(name, inline, &rest)
        }
    }

    /// `--name=value`, `-n value`, `-nvalue` → the name without dashes, and the value that came with it.
    private static func split(_ argument: String) -> (name: String, value: String?) {
        if argument.hasPrefix("--") {
            let parts = argument.dropFirst(2).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count == 2 ? String(parts[1]) : nil)
        }
        let letter = String(argument.dropFirst().prefix(1))
        var value = argument.dropFirst(2)
        guard !value.isEmpty else { return ("-" + letter, nil) }
        if value.hasPrefix("=") { value = value.dropFirst() }
        return ("-" + letter, String(value))
    }

    private mutating func accept(
        _ name: String, _ inline: String?, _ rest: inout ArraySlice<String>
    ) throws(OptionError) {
        switch name {
        case "help", "-h": return wantsHelp = true
        case "version", "-v": return wantsVersion = true
        case "validate": return validates = true
        case "config-file": return configFile = try Self.value(name, inline, &rest)
        default: break
        }
        guard let key = OptionKey.all.first(where: { $0.flag == name || $0.short.map { "-\($0)" } == name })
        else {
            throw OptionError(
                "unknown \(name.hasPrefix("-") ? "shorthand flag: '\(name.dropFirst())'" : "flag: --\(name)")\n"
                    + "See 'skiffd --help'.")
        }
        if key.kind.isBool {
            values[key.name] = .bool(try Self.bool(inline ?? "true", name))
        } else {
            try add(try Self.value(name, inline, &rest), to: key)
        }
    }

    private static func value(
        _ name: String, _ inline: String?, _ rest: inout ArraySlice<String>
    ) throws(OptionError) -> String {
        guard let value = inline ?? rest.popFirst() else {
            throw OptionError("flag needs an argument: --\(name)")
        }
        return value
    }

    private static func bool(_ text: String, _ name: String) throws(OptionError) -> Bool {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": return true
        case "0", "f", "F", "false", "FALSE", "False": return false
        default:
            throw OptionError("invalid argument \"\(text)\" for \"--\(name)\" flag: expected true or false")
        }
    }

    private mutating func add(_ text: String, to key: OptionKey) throws(OptionError) {
        switch key.kind {
        case .string, .bytes, .bool, .object: values[key.name] = .string(text)
        case .integer:
            guard let number = Int64(text) else {
                throw OptionError(
                    "invalid argument \"\(text)\" for \"--\(key.flag ?? key.name)\" flag: expected a number")
            }
            values[key.name] = .integer(number)
        case .strings: values[key.name] = .array((values[key.name]?.arrayValue ?? []) + [.string(text)])
        case .map:
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
                String.init)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw OptionError(
                    "invalid argument \"\(text)\" for \"--\(key.flag ?? key.name)\" flag: expected NAME=VALUE"
                )
            }
            var map = values[key.name]?.objectValue ?? JSONObject()
            map[parts[0]] = .string(parts[1])
            values[key.name] = .object(map)
        case .ulimits:
            let ulimit = try UlimitText.parse(text)
            var map = values[key.name]?.objectValue ?? JSONObject()
            map[ulimit.name] = [
                "Name": .string(ulimit.name), "Soft": .integer(ulimit.soft), "Hard": .integer(ulimit.hard),
            ]
            values[key.name] = .object(map)
        case .pools:
            values[key.name] = .array((values[key.name]?.arrayValue ?? []) + [try PoolText.parse(text)])
        }
    }
}

/// `nofile=1024:2048`.
enum UlimitText {
    static func parse(_ text: String) throws(OptionError) -> (name: String, soft: Int64, hard: Int64) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts.count == 2 ? parts[1].split(separator: ":", omittingEmptySubsequences: false) : []
        guard !parts[0].isEmpty, (1...2).contains(numbers.count), let soft = Int64(numbers[0]),
            let hard = Int64(numbers[numbers.count - 1]), hard == -1 || (soft != -1 && soft <= hard)
        else {
            throw OptionError(
                "invalid ulimit \"\(text)\": expected NAME=SOFT[:HARD] with SOFT not above HARD")
        }
        return (String(parts[0]), soft, hard)
    }
}

/// `base=10.0.0.0/8,size=24`.
enum PoolText {
    static func parse(_ text: String) throws(OptionError) -> JSONValue {
        var pool = JSONObject()
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2, pair[0] == "base" {
                pool["base"] = .string(String(pair[1]))
            } else if pair.count == 2, pair[0] == "size", let size = Int64(pair[1]) {
                pool["size"] = .integer(size)
            } else {
                throw OptionError("invalid address pool \"\(text)\": expected base=CIDR,size=LENGTH")
            }
        }
        guard pool.count == 2 else {
            throw OptionError("invalid address pool \"\(text)\": expected base=CIDR,size=LENGTH")
        }
        return .object(pool)
    }
}
