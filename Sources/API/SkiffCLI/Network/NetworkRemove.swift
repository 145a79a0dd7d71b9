import EngineClient
import OCIModel

/// `network rm`
enum NetworkRemove {
    private static let force = Flag("force", "f", .bool, "Do not fail where a network does not exist")

    static func command() -> Command {
        Command(
            paths: ["network rm", "network remove"], usage: "NETWORK [NETWORK...]",
            summary: "Remove networks",
            flags: [force], arguments: .atLeast(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let tolerates: (any Error) -> Bool = { error in
            invocation.bool(force) && (error as? EngineError)?.category == .notFound
        }
        var failures = FailureList()
        for name in invocation.arguments {
            failures.attempt {
                do {
                    try invocation.client.perform(.network(.delete, name))
                } catch  where tolerates(error) {
                    return
                }
                invocation.session.output.line(name)
                invocation.session.output.flush()
            }
        }
        try failures.raise()
        return 0
    }
}

extension EngineRequest {
    /// - Throws: `CommandError` where the name is empty: it would be another path
    static func network(
        _ method: Method, _ name: String, _ operation: String = ""
    ) throws(CommandError) -> EngineRequest {
        let name = name.trimmed
        guard !name.isEmpty else {
            throw CommandError(.invalidArgument, "invalid network name or ID: value is empty")
        }
        return EngineRequest(method, "/networks/\(escape(name))" + (operation.isEmpty ? "" : "/\(operation)"))
    }
}
