/// One flag of a command.
package struct Flag: Sendable {
    /// How a flag's text is checked; Docker's names of the types, as help shows them.
    package enum Kind: String, Sendable {
        case bool, string, list, int, uint16, uint64, bytes, duration, decimal, map, filter, mount, network,
            ulimit
        case ip, gpuRequest = "gpu-request"
        /// A whole number that may be negative, of 64 bits; help shows it as `int`.
        case int64
        /// Like `list`, but one text may hold several values separated by commas.
        case stringSlice = "strings"

        var typeName: String { self == .int64 ? "int" : rawValue }

        var repeats: Bool {
            switch self {
            case .list, .map, .filter, .mount, .network, .ulimit, .gpuRequest, .stringSlice: true
            default: false
            }
        }
    }

    package let name: String
    package let short: Character?
    package let kind: Kind
    package let usage: String
    /// The default as help shows it; empty where it is the type's zero.
    let initial: String
    /// Accepted, but not shown by help.
    let isHidden: Bool
    /// The flag that this one is another name for.
    let standsFor: String?
    /// What is wrong with a value; nil where nothing is.
    let check: (@Sendable (String) -> String?)?

    package init(
        _ name: String, _ short: Character?, _ kind: Kind, _ usage: String, initial: String = "",
        hidden: Bool = false, standsFor: String? = nil, check: (@Sendable (String) -> String?)? = nil
    ) {
        self.name = name
        self.short = short
        self.kind = kind
        self.usage = usage
        self.initial = initial
        isHidden = hidden
        self.standsFor = standsFor
        self.check = check
    }

    package init(
        _ name: String, _ kind: Kind, _ usage: String, initial: String = "", hidden: Bool = false,
        standsFor: String? = nil, check: (@Sendable (String) -> String?)? = nil
    ) {
        self.init(
            name, nil, kind, usage, initial: initial, hidden: hidden, standsFor: standsFor, check: check)
    }

    /// The flag as messages name it: `-m, --memory`.
    var display: String { short.map { "-\($0), --\(name)" } ?? "--\(name)" }
}

/// What the flags of a command line were set to.
package struct FlagValues: Sendable {
    private var values: [String: [String]] = [:]

    /// Whether the flag occurred.
    func isSet(_ flag: Flag) -> Bool { values[flag.name] != nil }

    /// The last value; the flag's default where it did not occur.
    func string(_ flag: Flag) -> String { values[flag.name]?.last ?? flag.initial }

    func bool(_ flag: Flag) -> Bool { FlagText.bool(values[flag.name]?.last ?? flag.initial) ?? false }

    /// Every value in order.
    func list(_ flag: Flag) -> [String] { values[flag.name] ?? [] }

    func int(_ flag: Flag) -> Int64 { FlagText.int(string(flag)) ?? 0 }

    /// A size in bytes.
    func bytes(_ flag: Flag) -> Int64 { FlagText.bytes(string(flag)) ?? 0 }

    /// Nanoseconds.
    func duration(_ flag: Flag) -> Int64 { FlagText.duration(string(flag)) ?? 0 }

    /// - Throws: the reason why the text does not fit, in Docker's words
    mutating func set(_ flag: Flag, _ text: String) -> String? {
        if let reason = FlagText.complaint(flag, text) { return reason }
        let name = flag.standsFor ?? flag.name
        if flag.kind == .stringSlice {
            let parts = text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false)
            values[name, default: []] += parts.map(String.init)
        } else if flag.kind.repeats {
            values[name, default: []].append(text)
        } else {
            values[name] = [text]
        }
        return nil
    }
}
