import EngineClient
import JSONCodec

/// `volume prune`
enum VolumePrune {
    private static let all = Flag("all", "a", .bool, "Remove those with a name, too")
    private static let filter = Flag(
        "filter", .filter, "Remove only what fits this condition, such as label=NAME")
    private static let force = Flag("force", "f", .bool, "Do not ask first")

    static func command() -> Command {
        Command(
            paths: ["volume prune"], usage: "[OPTIONS]", summary: "Remove volumes that no container has",
            flags: [all, filter, force], arguments: .none, run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var filters = invocation.list(filter)
        if invocation.bool(all) {
            guard !filters.contains(where: { $0.hasPrefix("all=") }) else {
                throw CommandError(
                    .invalidArgument, "conflicting options: cannot specify both --all and --filter all=1")
            }
            filters.append("all=true")
        }
        let kind = invocation.bool(all) ? "all local" : "anonymous local"
        let question =
            "WARNING! This will remove \(kind) volumes not used by at least one container.\n"
            + "Are you sure you want to continue?"
        if !invocation.bool(force) {
            guard try TerminalPrompt.confirms(question) else {
                throw CommandError(.invalidArgument, "volume prune has been cancelled")
            }
        }
        let query = FilterArgument.query(filters).map { [$0] } ?? []
        let answer = try invocation.client.json(EngineRequest(.post, "/volumes/prune", query: query))
        let output = invocation.session.output
        let deleted = (answer["VolumesDeleted"]?.arrayValue ?? []).compactMap(\.stringValue)
        if !deleted.isEmpty {
            output.line("Deleted Volumes:")
            for name in deleted { output.line(name) }
            output.line("")
        }
        let reclaimed = deleted.isEmpty ? 0 : answer["SpaceReclaimed"]?.doubleValue ?? 0
        output.line("Total reclaimed space: \(HumanUnits.size(reclaimed))")
        return 0
    }
}
