import GoTemplate

/// Splits a command line into flags and arguments with pflag's rules: `-it`, `-p8080:80`, `--name=value`,
/// `--name value`, `--flag=false`, `--`.
struct FlagParser {
    private let flags: [Flag]
    /// Whether flags may follow arguments.
    private let isInterspersed: Bool
    private(set) var values = FlagValues()
    private(set) var arguments: [String] = []
    private(set) var wantsHelp = false

    init(flags: [Flag], isInterspersed: Bool) {
        self.flags = flags
        self.isInterspersed = isInterspersed
    }

    /// - Throws: `UsageError` in pflag's words
    mutating func parse(_ words: [String]) throws(UsageError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                arguments += rest
                return
            }
            if word.hasPrefix("--") {
                try long(word, &rest)
            } else if word.hasPrefix("-"), word.utf8.count > 1 {
                try shorts(word, &rest)
            } else {
                arguments.append(word)
                guard isInterspersed else {
                    arguments += rest
                    return
                }
            }
            if wantsHelp { return }
        }
    }

    private mutating func long(_ word: String, _ rest: inout ArraySlice<String>) throws(UsageError) {
        let body = word.dropFirst(2)
        guard let first = body.first, first != "-", first != "=" else {
            throw UsageError("bad flag syntax: \(word)")
        }
        let equals = body.firstIndex(of: "=")
        let name = String(body[..<(equals ?? body.endIndex)])
        guard let flag = flags.first(where: { $0.name == name }) else {
            guard name != "help" else { return wantsHelp = true }
            throw UsageError("unknown flag: --\(name)")
        }
        if let equals { return try set(flag, String(body[body.index(after: equals)...])) }
        if flag.kind == .bool { return try set(flag, "true") }
        guard let value = rest.popFirst() else { throw UsageError("flag needs an argument: \(word)") }
        try set(flag, value)
    }

    private mutating func shorts(_ word: String, _ rest: inout ArraySlice<String>) throws(UsageError) {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            guard let flag = flags.first(where: { $0.short == letter }) else {
                if letter == "h", !word.contains("=") { return wantsHelp = true }
                throw UsageError("unknown shorthand flag: '\(letter)' in -\(word.dropFirst())")
            }
            if letters.first == "=", letters.count > 1 || flag.kind != .bool {
                return try set(flag, String(letters.dropFirst()))
            }
            if flag.kind == .bool {
                try set(flag, "true")
            } else if !letters.isEmpty {
                return try set(flag, String(letters))
            } else if let value = rest.popFirst() {
                return try set(flag, value)
            } else {
                throw UsageError("flag needs an argument: '\(letter)' in -\(word.dropFirst())")
            }
        }
    }

    private mutating func set(_ flag: Flag, _ text: String) throws(UsageError) {
        if let reason = values.set(flag, text) {
            throw UsageError(
                "invalid argument \(GoPrinter.quoted(text)) for \(GoPrinter.quoted(flag.display)) flag: \(reason)"
            )
        }
    }
}

/// A command line that cannot be understood.
struct UsageError: Error, Equatable {
    let message: String

    init(_ message: String) { self.message = message }
}
