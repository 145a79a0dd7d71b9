import EngineClient
import OCIModel

/// `rm`
enum ContainerRemove {
    private static let force = Flag("force", "f", .bool, "Kill and remove a running container too")
    private static let link = Flag("link", "l", .bool, "Remove the link, not the container")
    private static let volumes = Flag("volumes", "v", .bool, "Remove the container's anonymous volumes too")

    static func command() -> Command {
        Command(
            paths: ["container rm", "container remove", "rm"], usage: "[OPTIONS] CONTAINER [CONTAINER...]",
            summary: "Remove containers", flags: [force, link, volumes], arguments: .atLeast(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var query: [(name: String, value: String)] = []
        for (flag, key) in [(force, "force"), (link, "link"), (volumes, "v")] where invocation.bool(flag) {
            query.append((key, "1"))
        }
        // Whoever forces a removal wants it gone: that it is gone already is told, and no failure.
        let tolerates: (any Error) -> Bool = { error in
            invocation.bool(force) && (error as? EngineError)?.category == .notFound
        }
        return try invocation.sendForEachArgument(tolerating: tolerates) { argument in
            let name = argument.hasPrefix("/") ? String(argument.dropFirst()) : argument
            return try .container(.delete, name, query: query)
        }
    }
}
