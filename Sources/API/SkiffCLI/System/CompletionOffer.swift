import EngineClient
import JSONCodec

/// What the last word of an unfinished command line may be completed to: commands, flags, names of objects.
struct CompletionOffer {
    private enum Objects { case containers, images, networks, volumes }

    private let program: String
    private let before: [String]
    private let typed: String

    /// - Parameter line: the words behind the program's name; the last is being typed, and may be empty
    init(program: String, line: [String]) {
        self.program = program
        before = Array(line.dropLast())
        typed = line.last ?? ""
    }

    /// Empty where nothing is known: the shell offers files then.
    var words: [String] {
        var globals = FlagParser(flags: GlobalFlags.all, isInterspersed: false)
        do throws(UsageError) {
            try globals.parse(before)
        } catch {
            return []  // The value of one of the program's own flags, or a line that is wrong already.
        }
        let session = Session(program: program, globals: globals.values)
        return Array(Set(candidates(globals.arguments, session))).filter { $0.hasPrefix(typed) }.sorted()
    }

    private func candidates(_ words: [String], _ session: Session) -> [String] {
        guard let first = words.first else {
            return typed.hasPrefix("-") ? Self.names(of: GlobalFlags.all) : Self.commands
        }
        if words.count == 1, CommandTable.groups.contains(first) {
            return CommandTable.members(of: first).map(\.name).filter { !$0.contains(" ") }
        }
        guard let (command, length) = CommandTable.find(words, program: program) else { return [] }
        return candidates(command, Array(words.dropFirst(length)), session)
    }

    private static var commands: [String] {
        CommandTable.entries.flatMap(\.paths).filter { !$0.contains(" ") } + CommandTable.groups
    }

    private static func names(of flags: [Flag]) -> [String] {
        flags.filter { !$0.isHidden }.map { "--\($0.name)" }
    }

    // MARK: Behind a command

    private func candidates(_ command: Command, _ words: [String], _ session: Session) -> [String] {
        guard !command.passesWordsOn else { return [] }
        var parser = FlagParser(flags: command.flags, isInterspersed: command.isInterspersed)
        do throws(UsageError) {
            try parser.parse(words)
        } catch {
            return Self.objects(ofFlag: words.last).map { names(of: $0, "", session) } ?? []
        }
        let given = parser.arguments
        if typed.hasPrefix("-"), given.isEmpty || command.isInterspersed, !words.contains("--") {
            guard let equals = typed.firstIndex(of: "=") else { return Self.names(of: command.flags) }
            let flag = String(typed[..<equals])
            return (Self.objects(ofFlag: flag).map { names(of: $0, "", session) } ?? []).map {
                "\(flag)=\($0)"
            }
        }
        if given.count == 1, ["network connect", "network disconnect"].contains(command.paths[0]) {
            return names(of: .containers, command.paths[0], session)
        }
        guard given.isEmpty || Self.takesMany(command) else { return [] }
        return Self.objects(of: command.paths[0]).flatMap { names(of: $0, command.paths[0], session) }
            .filter { !given.contains($0) }
    }

    /// Whether every argument is of the kind that the first is.
    private static func takesMany(_ command: Command) -> Bool {
        guard command.isInterspersed else { return false }
        switch command.arguments {
        case .atLeast, .any: return true
        default: return false
        }
    }

    private static func objects(ofFlag word: String?) -> Objects? {
        switch word {
        case "--network", "--net": .networks
        case "--volumes-from": .containers
        default: nil
        }
    }

    private static func objects(of path: String) -> [Objects] {
        switch path {
        case "inspect": return [.containers, .images, .networks, .volumes]
        case "container create", "container run", "image history", "image inspect", "image push", "image rm",
            "image save", "image tag":
            return [.images]
        case "container ls", "container prune": return []
        case "network connect", "network disconnect", "network inspect", "network rm": return [.networks]
        case "volume ls", "volume prune", "volume create", "volume import": return []
        default:
            if path.hasPrefix("volume ") { return [.volumes] }
            return path.hasPrefix("container ") ? [.containers] : []
        }
    }

    // MARK: The daemon's objects

    /// A daemon that does not answer has nothing to offer, and nothing may be printed into the user's line.
    private func names(of objects: Objects, _ path: String, _ session: Session) -> [String] {
        switch objects {
        case .containers:
            let query = [(name: "all", value: "1")]
            return list(EngineRequest(.get, "/containers/json", query: query), session)
                .filter { Self.suits($0["State"]?.stringValue ?? "", path) }
                .flatMap { $0["Names"]?.arrayValue ?? [] }
                .compactMap { $0.stringValue.map { String($0.dropFirst()) } }
                .filter { !$0.contains("/") }
        case .images:
            return list(EngineRequest(.get, "/images/json"), session)
                .flatMap { $0["RepoTags"]?.arrayValue ?? [] }.compactMap(\.stringValue)
                .filter { !$0.hasPrefix("<none>") }
        case .networks:
            return list(EngineRequest(.get, "/networks"), session).compactMap { $0["Name"]?.stringValue }
        case .volumes:
            let answer = try? session.client.json(EngineRequest(.get, "/volumes"))
            return (answer?["Volumes"]?.arrayValue ?? []).compactMap { $0["Name"]?.stringValue }
        }
    }

    private func list(_ request: EngineRequest, _ session: Session) -> [JSONValue] {
        (try? session.client.json(request))?.arrayValue ?? []
    }

    /// Whether the command can do anything with a container in this state.
    private static func suits(_ state: String, _ path: String) -> Bool {
        switch path {
        case "container attach", "container exec", "container pause", "container top": state == "running"
        case "container kill", "container stop": ["running", "paused", "restarting"].contains(state)
        case "container start": !["running", "paused", "restarting"].contains(state)
        case "container unpause": state == "paused"
        default: true
        }
    }
}
