import EngineClient

/// A command: how it is called, and what it does.
struct Command {
    /// How many arguments a command takes.
    enum ArgumentCount {
        case none
        case exactly(Int)
        case atLeast(Int)
        case atMost(Int)
        case between(Int, Int)
        case any

        /// What is wrong with a number of arguments, in Docker's words; nil where nothing is.
        func complaint(_ count: Int) -> String? {
            func noun(_ number: Int) -> String { number == 1 ? "argument" : "arguments" }
            switch self {
            case .none: return count == 0 ? nil : "accepts no arguments"
            case .exactly(let wanted): return count == wanted ? nil : "requires \(wanted) \(noun(wanted))"
            case .atLeast(let least):
                return count >= least ? nil : "requires at least \(least) \(noun(least))"
            case .atMost(let most): return count <= most ? nil : "requires at most \(most) \(noun(most))"
            case .between(let least, let most):
                return (least...most).contains(count)
                    ? nil : "requires at least \(least) and at most \(most) \(noun(most))"
            case .any: return nil
            }
        }
    }

    /// Every path that leads here, the management form first: `container run`, `run`.
    let paths: [String]
    /// What follows the path in the usage line.
    let usage: String
    let summary: String
    var flags: [Flag] = []
    var arguments: ArgumentCount
    /// Whether flags may follow arguments; not where the arguments are another program's command line.
    var isInterspersed = true
    /// Whether every word behind the path, flags too, is an argument: another program reads them.
    var passesWordsOn = false
    let run: (Invocation) throws -> Int32
}

/// One use of a command.
struct Invocation {
    let session: Session
    let command: Command
    /// The path that was typed, without the program's name.
    let path: String
    let flags: FlagValues
    let arguments: [String]

    var client: EngineClient { get throws { try session.client } }

    func bool(_ flag: Flag) -> Bool { flags.bool(flag) }
    func string(_ flag: Flag) -> String { flags.string(flag) }
    func list(_ flag: Flag) -> [String] { flags.list(flag) }
    func isSet(_ flag: Flag) -> Bool { flags.isSet(flag) }
    func int(_ flag: Flag) -> Int64 { flags.int(flag) }
}
