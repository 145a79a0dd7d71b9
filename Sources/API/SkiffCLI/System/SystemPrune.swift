import EngineClient
import JSONCodec
import OCIModel

/// `system prune`
enum SystemPrune {
    private static let all = Flag("all", "a", .bool, "Remove every image that no container uses")
    private static let force = Flag("force", "f", .bool, "Do not ask")
    private static let filter = Flag(
        "filter", .filter, "Remove only what fits this condition, such as label=NAME")
    private static let volumes = Flag("volumes", .bool, "Remove anonymous volumes that no container uses")

    static func command() -> Command {
        Command(
            paths: ["system prune"], usage: "[OPTIONS]", summary: "Remove what is not used",
            flags: [all, filter, force, volumes], arguments: .none, run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let filters = invocation.list(filter)
        if invocation.bool(volumes), filters.contains(where: { $0.hasPrefix("until=") }) {
            throw CommandError(
                .invalidArgument, "ERROR: The \"until\" filter is not supported with \"--volumes\"")
        }
        if !invocation.bool(force) {
            guard try TerminalPrompt.confirms(warning(invocation)) else {
                throw CommandError(.invalidArgument, "system prune has been cancelled")
            }
        }
        let output = invocation.session.output
        var reclaimed: Int64 = 0
        let client = try invocation.client
        reclaimed += try prune(
            "/containers/prune", "ContainersDeleted", "Deleted Containers:", filters, client, output)
        reclaimed += try prune(
            "/networks/prune", "NetworksDeleted", "Deleted Networks:", filters, client, output)
        if invocation.bool(volumes) {
            reclaimed += try prune(
                "/volumes/prune", "VolumesDeleted", "Deleted Volumes:", filters, client, output)
        }
        let images = try ImagePrune.prune(all: invocation.bool(all), filters: filters, client)
        for line in images.lines { output.line(line) }
        reclaimed += images.reclaimed
        reclaimed += try pruneBuildCache(all: invocation.bool(all), filters, client, output)
        output.line("Total reclaimed space: \(HumanUnits.size(Double(reclaimed)))")
        return 0
    }

    private static func warning(_ invocation: Invocation) -> String {
        var kinds = ["all stopped containers", "all networks not used by at least one container"]
        if invocation.bool(volumes) {
            kinds.append("all anonymous volumes not used by at least one container")
        }
        kinds.append(
            invocation.bool(all)
                ? "all images without at least one container associated to them" : "all dangling images")
        kinds.append("unused build cache")
        return "WARNING! This will remove:\n" + kinds.map { "  - \($0)\n" }.joined()
            + "\nAre you sure you want to continue?"
    }

    private static func prune(
        _ path: String, _ key: String, _ title: String, _ filters: [String], _ client: EngineClient,
        _ output: Output
    ) throws -> Int64 {
        let query = FilterArgument.query(filters).map { [$0] } ?? []
        let answer = try client.json(EngineRequest(.post, path, query: query))
        let names = (answer[key]?.arrayValue ?? []).compactMap(\.stringValue)
        if !names.isEmpty {
            output.line(title)
            for name in names { output.line(name) }
            output.line("")
        }
        return answer["SpaceReclaimed"]?.integerValue ?? 0
    }

    private static func pruneBuildCache(
        all: Bool, _ filters: [String], _ client: EngineClient, _ output: Output
    ) throws -> Int64 {
        let query = (FilterArgument.query(filters).map { [$0] } ?? []) + (all ? [("all", "1")] : [])
        do throws(EngineError) {
            let answer = try client.json(EngineRequest(.post, "/build/prune", query: query))
            return answer["SpaceReclaimed"]?.integerValue ?? 0
        } catch {
            // A daemon that builds nothing has no cache.
            guard error.status == 501 else { throw error }
            return 0
        }
    }
}
