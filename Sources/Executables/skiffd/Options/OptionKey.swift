/// One setting of the daemon: its key in daemon.json, its flag, what it holds, and what becomes of it.
struct OptionKey: Sendable {
    enum Kind: Sendable {
        case string, bool, integer
        /// Bytes: a number, or a text such as `64m`.
        case bytes
        /// Addresses, names, …; the flag may be given several times.
        case strings
        /// `NAME=VALUE`.
        case map
        /// `NAME=SOFT[:HARD]`, or an object with both.
        case ulimits
        /// `base=10.0.0.0/8,size=24`, or objects.
        case pools
        /// Whatever the file holds; has no flag.
        case object
    }

    enum Fate: Sendable {
        case honoured
        /// Nothing stands behind it yet, or Skiff has no such thing: only the value that means "off" is accepted.
        case refused(String)
    }

    let name: String
    /// Nil where the command line has no such flag.
    let flag: String?
    let short: Character?
    let kind: Kind
    let fate: Fate
    /// For `--help`.
    let help: String
    /// Whether SIGHUP takes a new value over.
    let isReloadable: Bool

    init(
        _ name: String, _ kind: Kind, flag: String? = nil, short: Character? = nil, reloadable: Bool = false,
        _ help: String
    ) {
        self.name = name
        self.flag = kind.isObject ? nil : flag ?? name
        self.short = short
        self.kind = kind
        fate = .honoured
        self.help = help
        isReloadable = reloadable
    }

    init(refused name: String, _ kind: Kind, flag: String? = nil, _ reason: String) {
        self.name = name
        self.flag = kind.isObject ? nil : flag ?? name
        short = nil
        self.kind = kind
        fate = .refused(reason)
        help = ""
        isReloadable = false
    }

    var isRefused: Bool { if case .refused = fate { true } else { false } }
}

extension OptionKey.Kind {
    var isObject: Bool { if case .object = self { true } else { false } }
    var isBool: Bool { if case .bool = self { true } else { false } }

    /// Whether the flag adds to what was given before.
    var accumulates: Bool {
        switch self {
        case .strings, .map, .ulimits, .pools: true
        default: false
        }
    }
}
