import EngineClient
import JSONCodec

/// `start`
enum ContainerStart {
    private static let attach = Flag("attach", "a", .bool, "Attach output and errors, and pass signals on")
    private static let checkpoint = Flag("checkpoint", .string, "Start from this checkpoint")
    private static let checkpointFolder = Flag("checkpoint-dir", .string, "Folder of the checkpoints")
    private static let detachKeys = Flag("detach-keys", .string, "Keys that detach from the container")
    private static let interactive = Flag("interactive", "i", .bool, "Attach the container's input")

    static func command() -> Command {
        Command(
            paths: ["container start", "start"], usage: "[OPTIONS] CONTAINER [CONTAINER...]",
            summary: "Start stopped containers",
            flags: [attach, checkpoint, checkpointFolder, detachKeys, interactive], arguments: .atLeast(1),
            run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        for flag in [checkpoint, checkpointFolder] where invocation.isSet(flag) {
            throw CommandError(.notBuilt, "--\(flag.name) is not built yet")
        }
        if invocation.bool(attach) || invocation.bool(interactive) { return try startAttached(invocation) }
        do {
            return try invocation.forEachArgument { name in
                try invocation.client.perform(.container(.post, name, "start"))
            }
        } catch let error as CommandError where error.code == .several {
            let names = invocation.arguments.filter { error.message.contains($0) }
            let list = (names.isEmpty ? invocation.arguments : names).joined(separator: ", ")
            throw CommandError(.several, "\(error.message)\nError: failed to start containers: \(list)")
        }
    }

    private static func startAttached(_ invocation: Invocation) throws -> Int32 {
        guard invocation.arguments.count == 1 else {
            throw CommandError(.invalidArgument, "you cannot start and attach multiple containers at once")
        }
        let client = try invocation.client
        let container = try client.json(.container(.get, invocation.arguments[0], "json"))
        let config = container["Config"] ?? .null
        var session = AttachedContainer(
            client: client, id: container["Id"]?.stringValue ?? invocation.arguments[0])
        session.isTerminal = config["Tty"]?.boolValue ?? false
        session.sendsInput = invocation.bool(interactive) && config["OpenStdin"]?.boolValue == true
        if session.isTerminal, session.sendsInput, !RawTerminal.isTerminal(0) {
            throw CommandError(.environment, "the input device is not a TTY")
        }
        session.detachKeys = try DetachKeyChoice(invocation, detachKeys)
        session.forwardsSignals = !session.isTerminal
        session.isRemovedAfterwards = container["HostConfig"]?["AutoRemove"]?.boolValue ?? false
        do {
            return try session.startAndFollow()
        } catch let error as StartFailure {
            throw CommandError(.daemon, CommandError.text(of: error.cause))
        }
    }
}
