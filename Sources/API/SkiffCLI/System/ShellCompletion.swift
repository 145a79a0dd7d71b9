/// `completion`: scripts that complete commands and flags in a shell, made from the table of commands.
enum ShellCompletion {
    static func command() -> Command {
        Command(
            paths: ["completion"], usage: "bash|zsh|fish",
            summary: "Print the script that completes commands in a shell", arguments: .exactly(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let program = invocation.session.program
        let text: String
        switch invocation.arguments[0] {
        case "bash": text = bash(program)
        case "zsh":
            text = "#compdef \(program)\nautoload -U +X bashcompinit && bashcompinit\n" + bash(program)
        case "fish": text = fish(program)
        case let shell:
            throw CommandError(.invalidArgument, "completion for \(shell): only bash, zsh and fish are known")
        }
        invocation.session.output.write(text)
        return 0
    }

    /// Every path with its visible flags.
    private static var paths: [(path: String, flags: [Flag])] {
        CommandTable.entries.flatMap { entry in
            let flags = entry.make().flags.filter { !$0.isHidden }
            return entry.paths.map { ($0, flags) }
        }
    }

    /// The words that may follow: commands at the top, members in a group.
    private static func words(in group: String) -> [String] {
        if group.isEmpty {
            let tops = CommandTable.entries.flatMap(\.paths).filter { !$0.contains(" ") }
            return (tops + CommandTable.groups).sorted()
        }
        return CommandTable.members(of: group).map(\.name)
    }

    private static func bash(_ program: String) -> String {
        var text = "_\(program)_complete() {\n    local words=\"\" word=\"${COMP_WORDS[COMP_CWORD]}\"\n"
        text += "    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n"
        let sorted = paths.sorted {
            ($0.path.contains(" ") ? 0 : 1, $0.path) < ($1.path.contains(" ") ? 0 : 1, $1.path)
        }
        for (path, flags) in sorted {
            let pattern = path.contains(" ") ? "\"\(path)\"" : "\"\(path) \"*"
            text +=
                "        \(pattern)) words=\"\(flags.map { "--\($0.name)" }.joined(separator: " "))\" ;;\n"
        }
        text += "    esac\n"
        text +=
            "    if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"\(words(in: "").joined(separator: " "))\"; fi\n"
        for group in CommandTable.groups {
            text += "    if [ \"$COMP_CWORD\" -eq 2 ] && [ \"${COMP_WORDS[1]}\" = \(group) ]; then "
            text += "words=\"\(words(in: group).joined(separator: " "))\"; fi\n"
        }
        text += "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
        return text + "complete -o default -F _\(program)_complete \(program)\n"
    }

    private static func fish(_ program: String) -> String {
        var text = ""
        for word in words(in: "") {
            text += "complete -c \(program) -n __fish_use_subcommand -a \(word)\n"
        }
        for group in CommandTable.groups {
            let members = words(in: group).joined(separator: " ")
            text += "complete -c \(program) -n '__fish_seen_subcommand_from \(group)' -a '\(members)'\n"
        }
        for (path, flags) in paths where !path.contains(" ") {
            for flag in flags {
                let short = flag.short.map { " -s \($0)" } ?? ""
                text +=
                    "complete -c \(program) -n '__fish_seen_subcommand_from \(path)' -l \(flag.name)\(short)\n"
            }
        }
        return text
    }
}
