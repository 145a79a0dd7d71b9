import EngineClient
import JSONCodec

/// `attach`
enum ContainerAttach {
    private static let detachKeys = Flag("detach-keys", .string, "Keys that detach from the container")
    private static let noInput = Flag("no-stdin", .bool, "Do not attach standard input")
    private static let sigProxy = Flag(
        "sig-proxy", .bool, "Pass signals on to the container's process", initial: "true")

    static func command() -> Command {
        Command(
            paths: ["container attach", "attach"], usage: "[OPTIONS] CONTAINER",
            summary: "Attach to the input, output and errors of a running container",
            flags: [detachKeys, noInput, sigProxy], arguments: .exactly(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let client = try invocation.client
        let container = try client.json(.container(.get, invocation.arguments[0], "json"))
        try check(container["State"] ?? .null)
        let config = container["Config"] ?? .null
        let isTerminal = config["Tty"]?.boolValue ?? false
        let sendsInput = !invocation.bool(noInput) && (config["OpenStdin"]?.boolValue ?? false)
        if isTerminal, !invocation.bool(noInput), !RawTerminal.isTerminal(0) {
            throw CommandError(.environment, "the input device is not a TTY")
        }
        var session = AttachedContainer(client: client, id: invocation.arguments[0].trimmed)
        session.isTerminal = isTerminal
        session.sendsInput = sendsInput
        session.detachKeys = try DetachKeyChoice(invocation, detachKeys)
        session.forwardsSignals = invocation.bool(sigProxy) && !isTerminal
        guard let code = try session.follow(check) else {
            throw CommandError(.several, "read escape sequence")
        }
        return code
    }

    private static func check(_ state: JSONValue) throws {
        func refuse(_ message: String) -> CommandError { CommandError(.daemon, message) }
        guard state["Running"]?.boolValue == true else {
            throw refuse("You cannot attach to a stopped container, start it first")
        }
        if state["Paused"]?.boolValue == true {
            throw refuse("You cannot attach to a paused container, unpause it first")
        }
        if state["Restarting"]?.boolValue == true {
            throw refuse("You cannot attach to a restarting container, wait until it is running")
        }
    }
}
