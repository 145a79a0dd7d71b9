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

    /// Commands whose arguments are containers, and those whose first is an image.
    private static let ofContainers: Set<String> = [
        "attach", "exec", "inspect", "kill", "logs", "pause", "port", "rename", "restart", "rm", "start",
        "stats",
        "stop", "top", "unpause", "update", "wait",
    ]
    private static let ofImages: Set<String> = ["create", "history", "push", "rmi", "run", "save", "tag"]

    /// A shell's pattern for `first second`, where second is empty or an argument for a command of one word.
    private static func pattern(_ path: String) -> String {
        path.contains(" ") ? "\"\(path)\"" : "\"\(path) \"*"
    }

    private static func bash(_ program: String) -> String {
        var text = bashOpening(program)
        text += "    if [ -z \"$first\" ]; then words=\"\(words(in: "").joined(separator: " "))\"; fi\n"
        text += "    case \"$first $second\" in\n"
        for group in CommandTable.groups {
            text += "        \"\(group) \") words=\"\(words(in: group).joined(separator: " "))\" ;;\n"
        }
        text += "    esac\n"
        let flags = paths.map { path, flags in
            "        \(pattern(path))) words=\"\(flags.map { "--\($0.name)" }.joined(separator: " "))\" ;;\n"
        }
        let names = paths.compactMap { path, _ -> String? in
            guard let command = objects(of: path, program) else { return nil }
            return "        \(pattern(path))) words=\"$(\(command) 2>/dev/null)\" ;;\n"
        }
        text += "    if [ \"${word:0:1}\" = - ]; then\n        case \"$first $second\" in\n\(flags.joined())"
        text +=
            "        esac\n    else\n        case \"$first $second\" in\n\(names.joined())        esac\n    fi\n"
        text += "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
        return text + "complete -o default -F _\(program)_complete \(program)\n"
    }

    /// Finds the command's words, behind the program's own flags.
    private static func bashOpening(_ program: String) -> String {
        """
        _\(program)_complete() {
            local words="" word="${COMP_WORDS[COMP_CWORD]}" first="" second="" at=1
            while [ "$at" -lt "$COMP_CWORD" ]; do
                case "${COMP_WORDS[at]}" in
                    -H|--host|--config|-c|--context|-l|--log-level|--tlscacert|--tlscert|--tlskey)
                        if [ -z "$first" ]; then at=$((at + 1)); fi ;;
                    -*) ;;
                    *) if [ -z "$first" ]; then first="${COMP_WORDS[at]}"
                       elif [ -z "$second" ]; then second="${COMP_WORDS[at]}"; fi ;;
                esac
                at=$((at + 1))
            done

        """
    }

    /// What lists the objects that a command's arguments name; nil where a file may be meant, or nothing is known.
    private static func objects(of path: String, _ program: String) -> String? {
        let words = path.split(separator: " ").map(String.init)
        guard let last = words.last, let group = words.first else { return nil }
        let isContainer = words.count == 1 || group == "container"
        if isContainer, ofContainers.contains(last) { return "\(program) ps --all --format '{{.Names}}'" }
        if isContainer && ofImages.contains(last)
            || group == "image" && ["history", "inspect", "push", "rm", "save", "tag"].contains(last)
        {
            return "\(program) images --format '{{.Repository}}:{{.Tag}}'"
        }
        return nil
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
