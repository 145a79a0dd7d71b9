import EngineClient
import Glibc
import LinuxKernel

/// From the words of a command line to a command's exit code.
package struct Dispatcher {
    private let program: String

    /// - Parameter program: the name that the program was invoked by, with or without a folder
    package init(program: String) {
        let name = program.split(separator: "/").last.map(String.init) ?? program
        self.program = name == "docker" ? "docker" : "skiff"
    }

    private var help: HelpText { HelpText(program: program) }

    /// Runs one command line.
    /// - Returns: the exit code
    package func run(_ words: [String]) -> Int32 {
        var parser = FlagParser(flags: GlobalFlags.all, isInterspersed: false)
        do throws(UsageError) {
            try parser.parse(words)
        } catch {
            return refuse(error, usage: "Usage:  \(program) [OPTIONS] COMMAND [ARG...]", path: "")
        }
        let session = Session(program: program, globals: parser.values)
        let code = route(parser.arguments, parser.wantsHelp, session)
        session.output.flush()
        return code
    }

    private func route(_ words: [String], _ wantsHelp: Bool, _ session: Session) -> Int32 {
        if wantsHelp {
            session.output.write(help.overview())
            return 0
        }
        if session.globals.bool(GlobalFlags.version) {
            session.output.line(ClientVersion.oneLine(program: program))
            return 0
        }
        guard !words.isEmpty else {
            Output.error(String(help.overview().dropLast()))
            return 0
        }
        if words[0] == "help" { return explain(Array(words.dropFirst()), session) }
        if let (command, path, rest) = find(words) { return run(command, path, rest, session) }
        if CommandTable.isUnbuilt(words) { return notBuilt(words) }
        if CommandTable.isGroup(words[0]) { return group(words, session) }
        return unknown(
            words[0], among: CommandTable.entries.flatMap(\.paths).filter { !$0.contains(" ") }, of: "")
    }

    private func find(_ words: [String]) -> (Command, String, [String])? {
        guard let (command, length) = CommandTable.find(words, program: program) else { return nil }
        return (command, words.prefix(length).joined(separator: " "), Array(words.dropFirst(length)))
    }

    // MARK: One command

    private func run(_ command: Command, _ path: String, _ words: [String], _ session: Session) -> Int32 {
        var parser = FlagParser(flags: command.flags, isInterspersed: command.isInterspersed)
        do throws(UsageError) {
            try parser.parse(command.passesWordsOn ? ["--"] + words : words)
        } catch {
            return refuse(error, usage: help.usage(command, path: path), path: path)
        }
        if parser.wantsHelp {
            session.output.write(help.command(command, path: path))
            return 0
        }
        if let complaint = command.arguments.complaint(parser.arguments.count) {
            let usage = help.usage(command, path: path)
            let word = complaint.contains("at least") ? "See" : "Run"
            Output.error(
                "\(program): '\(program) \(path)' \(complaint)\n\n\(usage)\n\n"
                    + "\(word) '\(program) \(path) --help' for more information")
            return 1
        }
        let invocation = Invocation(
            session: session, command: command, path: path, flags: parser.values, arguments: parser.arguments)
        do {
            return try command.run(invocation)
        } catch {
            session.output.flush()
            return report(error, path)
        }
    }

    private func report(_ error: any Error, _ path: String) -> Int32 {
        let text = CommandError.text(of: error)
        guard let error = error as? CommandError else {
            Output.error(text)
            return 1
        }
        if error.hintsAtHelp {
            Output.error("\(program): \(text)\n\nRun '\(program) \(path) --help' for more information")
        } else {
            Output.error(text)
        }
        return error.exitCode
    }

    private func refuse(_ error: UsageError, usage: String, path: String) -> Int32 {
        let words = path.isEmpty ? program : "\(program) \(path)"
        Output.error("\(error.message)\n\n\(usage)\n\nRun '\(words) --help' for more information")
        return 125
    }

    // MARK: Help, groups, unknown words

    private func explain(_ words: [String], _ session: Session) -> Int32 {
        guard !words.isEmpty else {
            session.output.write(help.overview())
            return 0
        }
        if let (command, path, _) = find(words) {
            session.output.write(help.command(command, path: path))
            return 0
        }
        if CommandTable.groups.contains(words[0]) { return group([words[0], "--help"], session) }
        Output.error("unknown help topic: " + words.joined(separator: " "))
        return 1
    }

    private func group(_ words: [String], _ session: Session) -> Int32 {
        if words.count > 1, !words[1].hasPrefix("-") {
            let members = CommandTable.members(of: words[0]).map(\.name)
            return unknown(words[1], among: members, of: words[0])
        }
        let text = help.group(words[0], CommandTable.members(of: words[0]))
        // Asked for, help is a result; else it is a hint.
        if words.count > 1 { session.output.write(text) } else { Output.error(String(text.dropLast())) }
        return 0
    }

    private func notBuilt(_ words: [String]) -> Int32 {
        let isMember = CommandTable.groups.contains(words[0])
        Output.error("\(program) \(words.prefix(isMember ? 2 : 1).joined(separator: " ")): not built yet")
        return 1
    }

    private func unknown(_ word: String, among known: [String], of group: String) -> Int32 {
        let path = group.isEmpty ? program : "\(program) \(group)"
        var text = "\(program): unknown command: \(path) \(word)\n\n"
        if let near = Suggestion.nearest(to: word, among: known) {
            text += "Did you mean '\(path) \(near)'?\n\n"
        }
        if !group.isEmpty { text += "Usage:  \(path) COMMAND\n\n" }
        Output.error(text + "Run '\(path) --help' for more information")
        return 1
    }
}

/// The known word that a mistyped one is nearest to.
enum Suggestion {
    /// Nil where every known word differs in more than two letters.
    static func nearest(to word: String, among known: [String]) -> String? {
        let scored = known.map { (distance(Array(word.utf8), Array($0.utf8)), $0) }
        guard let best = scored.min(by: { $0.0 < $1.0 }), best.0 <= 2, best.0 < word.utf8.count else {
            return nil
        }
        return best.1
    }

    /// Insertions, deletions and replacements that turn one into the other (Levenshtein).
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[b.count]
    }
}
