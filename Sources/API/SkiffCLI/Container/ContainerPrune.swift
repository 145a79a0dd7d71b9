import EngineClient
import Glibc
import JSONCodec

/// `container prune`
enum ContainerPrune {
    private static let force = Flag("force", "f", .bool, "Do not ask first")
    private static let filter = Flag("filter", .filter, "Remove only what fits this condition")

    static func command() -> Command {
        Command(
            paths: ["container prune"], usage: "[OPTIONS]",
            summary: "Remove all containers that do not run", flags: [filter, force], arguments: .none
        ) { invocation in
            let question = "WARNING! This will remove all stopped containers.\n"
            guard try invocation.bool(force) || Confirmation.ask(question, invocation.session.output) else {
                return 0
            }
            var query: [(name: String, value: String)] = []
            if let filters = FilterArgument.query(invocation.list(filter)) { query.append(filters) }
            let answer = try invocation.client.json(EngineRequest(.post, "/containers/prune", query: query))
            let output = invocation.session.output
            let deleted = (answer["ContainersDeleted"]?.arrayValue ?? []).compactMap(\.stringValue)
            if !deleted.isEmpty {
                output.line("Deleted Containers:")
                for id in deleted { output.line(id) }
                output.line("")
            }
            let reclaimed = answer["SpaceReclaimed"]?.doubleValue ?? 0
            output.line("Total reclaimed space: \(HumanUnits.size(reclaimed))")
            return 0
        }
    }
}

/// A question before something is removed.
enum Confirmation {
    /// - Returns: whether the answer on standard input is yes
    static func ask(_ warning: String, _ output: Output) throws -> Bool {
        output.write(warning + "Are you sure you want to continue? [y/N] ")
        output.flush()
        let answer = (readLine() ?? "").trimmed.lowercased()
        return answer == "y"
    }
}
