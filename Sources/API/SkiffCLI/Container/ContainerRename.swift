import EngineClient
import JSONCodec

/// `rename`
enum ContainerRename {
    static func command() -> Command {
        Command(
            paths: ["container rename", "rename"], usage: "CONTAINER NEW_NAME", summary: "Rename a container",
            arguments: .exactly(2)
        ) { invocation in
            let (old, new) = (invocation.arguments[0].trimmed, invocation.arguments[1].trimmed)
            guard !old.isEmpty, !new.isEmpty else {
                throw CommandError(.invalidArgument, "Error: Neither old nor new names may be empty")
            }
            do {
                try invocation.client.perform(
                    .container(.post, old, "rename", query: [(name: "name", value: new)]))
            } catch {
                let reason = CommandError.text(of: error)
                throw CommandError(
                    .daemon, "\(reason)\nError: failed to rename container named \(old)")
            }
            return 0
        }
    }
}

/// `wait`
enum ContainerWait {
    static func command() -> Command {
        Command(
            paths: ["container wait", "wait"], usage: "CONTAINER [CONTAINER...]",
            summary: "Wait until containers stop, then print their exit codes", arguments: .atLeast(1)
        ) { invocation in
            var failures = FailureList()
            for name in invocation.arguments {
                failures.attempt {
                    let answer = try invocation.client.json(.container(.post, name, "wait"))
                    if let message = answer["Error"]?["Message"]?.stringValue {
                        throw CommandError(.daemon, message)
                    }
                    invocation.session.output.line("\(answer["StatusCode"]?.integerValue ?? 0)")
                    invocation.session.output.flush()
                }
            }
            try failures.raise()
            return 0
        }
    }
}
