import OCIRuntime

/// The words of a command line, sorted into options and the rest. Options are as in runc and crun: `--name value`,
/// `--name=value`, `-n value`; those that take no value are listed by each command.
struct Options {
    private(set) var positional: [String] = []
    private var values: [String: [String]] = [:]

    /// - Parameters:
    ///   - flags: options without a value, by long name
    ///   - settings: options with one
    ///   - short: long names of single letters
    ///   - stopsAtPositional: whether what follows the first word that is no option is left alone: from the
    ///     `skipping`th such word on
    init(
        _ words: ArraySlice<String>, flags: Set<String>, settings: Set<String>,
        short: [Character: String] = [:],
        stopsAfter limit: Int = .max
    ) throws(CommandError) {
        var rest = words
        while let word = rest.popFirst() {
            if positional.count >= limit {
                positional.append(word)
                continue
            }
            if word == "--" {
                positional += rest
                return
            }
            guard word.hasPrefix("-"), word != "-" else {
                positional.append(word)
                continue
            }
            try option(word, &rest, flags, settings, short)
        }
    }

    private mutating func option(
        _ word: String, _ rest: inout ArraySlice<String>, _ flags: Set<String>, _ settings: Set<String>,
        _ short: [Character: String]
    ) throws(CommandError) {
        var name = String(word.drop { $0 == "-" })
        var value: String?
        if let equals = name.firstIndex(of: "=") {
            value = String(name[name.index(after: equals)...])
            name = String(name[..<equals])
        }
        if name.count == 1, let first = name.first, let long = short[first] {
            name = long
        } else if !word.hasPrefix("--"), value == nil, let first = name.first, let long = short[first] {
            // `-it`, `-fjson`.
            if settings.contains(long) {
                value = String(name.dropFirst())
                name = long
            } else if flags.contains(long) {
                rest.insert("-" + name.dropFirst(), at: rest.startIndex)
                name = long
            }
        }
        if flags.contains(name) {
            guard value == nil || value == "true" || value == "false" else {
                throw CommandError("option --\(name) takes no value")
            }
            if value != "false" { values[name, default: []].append("true") }
        } else if settings.contains(name) {
            guard let given = value ?? rest.popFirst() else {
                throw CommandError("option --\(name) needs a value")
            }
            values[name, default: []].append(given)
        } else {
            throw CommandError("unknown option \(word): see skiff-runtime --help")
        }
    }

    func has(_ name: String) -> Bool { values[name] != nil }

    subscript(name: String) -> String? { values[name]?.last }

    func all(_ name: String) -> [String] { values[name] ?? [] }

    func integer<T: FixedWidthInteger>(_ name: String, _: T.Type = T.self) throws(CommandError) -> T? {
        guard let text = self[name] else { return nil }
        guard let number = T(text) else { throw CommandError("option --\(name): \(text) is no valid number") }
        return number
    }

    /// The one argument of a command that takes a container's id.
    func identifier() throws(CommandError) -> String {
        guard positional.count == 1 else {
            throw CommandError(positional.isEmpty ? "a container id is needed" : "too many arguments")
        }
        return positional[0]
    }
}

/// A failure that ends the command: what to say, and the exit status.
struct CommandError: Error {
    let message: String
    let status: Int32

    init(_ message: String, status: Int32 = 1) {
        self.message = message
        self.status = status
    }

    init(_ error: RuntimeError) {
        self.init(error.message, status: error.exitStatus == 125 ? 1 : error.exitStatus)
    }
}
