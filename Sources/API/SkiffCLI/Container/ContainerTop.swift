import EngineClient
import JSONCodec

/// `top`
enum ContainerTop {
    static func command() -> Command {
        Command(
            paths: ["container top", "top"], usage: "CONTAINER [ps OPTIONS]",
            summary: "Show the processes of a container", arguments: .atLeast(1), isInterspersed: false
        ) { invocation in
            let options = invocation.arguments.dropFirst().joined(separator: " ")
            let query = options.isEmpty ? [] : [(name: "ps_args", value: options)]
            let answer = try invocation.client.json(
                .container(.get, invocation.arguments[0], "top", query: query))
            func row(_ cells: JSONValue) -> String {
                (cells.arrayValue ?? []).map { $0.stringValue ?? "" }.joined(separator: "\t") + "\n"
            }
            let rows = [answer["Titles"] ?? .null] + (answer["Processes"]?.arrayValue ?? [])
            let table = TableWriter(minimumWidth: 20, padding: 3).align(rows.map(row).joined())
            invocation.session.output.write(table)
            return 0
        }
    }
}
