import EngineClient
import JSONCodec

/// What the commands share that copy a volume's files, which Docker does not have.
enum VolumeCopy {
    static let noPause = Flag(
        "no-pause", .bool,
        "Let containers that run with the volume go on; the copy may be of no single moment")

    /// Sends the request, shows the copy's progress on a terminal, and prints a name at the end.
    static func run(
        _ invocation: Invocation, _ path: String, query: [(name: String, value: String)] = [], name: String
    ) throws -> Int32 {
        var query = query
        if invocation.command.flags.contains(where: { $0.name == noPause.name }), invocation.bool(noPause) {
            query.append(("pause", "0"))
        }
        let response = try invocation.client.send(EngineRequest(.post, path, query: query))
        // Progress is for people: a script that reads the name gets nothing else.
        var printer = ProgressPrinter(descriptor: 2, quiet: !RawTerminal.isTerminal(2))
        while let message = try response.nextJSONLine() { try printer.show(message) }
        invocation.session.output.line(name)
        return 0
    }

    /// The path of a volume's own operations.
    /// - Throws: `CommandError` where a name is empty: it would be another path
    static func path(_ volume: String, _ rest: String) throws(CommandError) -> String {
        guard !volume.trimmed.isEmpty else {
            throw CommandError(.invalidArgument, "invalid volume name: value is empty")
        }
        return "/skiff/volumes/\(EngineRequest.escape(volume))/\(rest)"
    }
}

/// `volume clone`
enum VolumeClone {
    static func command() -> Command {
        Command(
            paths: ["volume clone"], usage: "[OPTIONS] VOLUME NEW_VOLUME",
            summary: "Make a further volume with the same files", flags: [VolumeCopy.noPause],
            arguments: .exactly(2)
        ) { invocation in
            let names = invocation.arguments
            return try VolumeCopy.run(
                invocation, VolumeCopy.path(names[0], "clone"), query: [("to", names[1])], name: names[1])
        }
    }
}

/// `volume rename`
enum VolumeRename {
    static func command() -> Command {
        Command(
            paths: ["volume rename"], usage: "VOLUME NEW_NAME",
            summary: "Give a volume another name, also in the containers that have it", arguments: .exactly(2)
        ) { invocation in
            let names = invocation.arguments
            try invocation.client.perform(
                EngineRequest(.post, VolumeCopy.path(names[0], "rename"), query: [("to", names[1])]))
            return 0
        }
    }
}
