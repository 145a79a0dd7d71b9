import EngineClient
import JSONCodec

/// `network prune`
enum NetworkPrune {
    private static let force = Flag("force", "f", .bool, "Do not ask first")
    private static let filter = Flag(
        "filter", .filter, "Remove only what fits this condition, such as until=24h")

    static func command() -> Command {
        Command(
            paths: ["network prune"], usage: "[OPTIONS]",
            summary: "Remove all networks that no container uses", flags: [filter, force], arguments: .none
        ) { invocation in
            let output = invocation.session.output
            let question =
                "WARNING! This will remove all custom networks not used by at least one container.\n"
            guard try invocation.bool(force) || Confirmation.ask(question, output) else { return 0 }
            let query = FilterArgument.query(invocation.list(filter)).map { [$0] } ?? []
            let answer = try invocation.client.json(EngineRequest(.post, "/networks/prune", query: query))
            let deleted = (answer["NetworksDeleted"]?.arrayValue ?? []).compactMap(\.stringValue)
            if deleted.isEmpty { return 0 }
            output.line("Deleted Networks:")
            for name in deleted { output.line(name) }
            output.line("")
            return 0
        }
    }
}
