import EngineClient

/// `run`: makes a container and starts it, attached or detached.
enum ContainerRun {
    static let detach = Flag(
        "detach", "d", .bool, "Leave the container running in the background and print its ID")
    static let detachKeys = Flag("detach-keys", .string, "Keys that detach from the container")
    static let sigProxy = Flag(
        "sig-proxy", .bool, "Pass signals on to the container's process", initial: "true")

    static func command() -> Command {
        Command(
            paths: ["container run", "run"], usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
            summary: "Make a container from an image and run a command in it",
            flags: RunFlags.all + [detach, detachKeys, sigProxy], arguments: .atLeast(1),
            isInterspersed: false,
            run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var request: CreateRequest
        do throws(CommandError) {
            request = try CreateRequest(flags: invocation.flags, arguments: invocation.arguments)
        } catch {
            throw refusal(error)
        }
        let detached = invocation.bool(detach)
        if detached, !invocation.list(RunFlags.attach).isEmpty {
            throw CommandError(
                .invalidArgument, "conflicting options: cannot specify both --attach and --detach")
        }
        if !detached, invocation.bool(RunFlags.tty), request.attachesInput, !RawTerminal.isTerminal(0) {
            throw CommandError(.environment, "the input device is not a TTY")
        }
        for warning in request.warnings { Output.error(warning) }
        if invocation.bool(RunFlags.tty), let size = RawTerminal.size { request.consoleSize = size }
        let id: String
        do {
            id = try ContainerCreation(invocation, request, detached: detached).create()
        } catch {
            throw failure(error)
        }
        if detached { return try startDetached(id, invocation) }
        return try startAttached(id, request, invocation)
    }

    private static func startDetached(_ id: String, _ invocation: Invocation) throws -> Int32 {
        // Of a container that does not start, too: it is there to be looked at, unless `--rm` takes it away.
        invocation.session.output.line(id)
        do {
            try invocation.client.perform(EngineRequest(.post, "/containers/\(id)/start"))
        } catch {
            invocation.session.output.flush()
            throw failure(error)
        }
        return 0
    }

    private static func startAttached(
        _ id: String, _ request: CreateRequest, _ invocation: Invocation
    ) throws -> Int32 {
        var session = AttachedContainer(client: try invocation.client, id: id)
        session.isTerminal = invocation.bool(RunFlags.tty)
        session.sendsInput = request.attachesInput && invocation.bool(RunFlags.interactive)
        session.wantsOutput = request.attachesOutput
        session.wantsErrors = request.attachesErrors
        session.detachKeys = try DetachKeyChoice(invocation, detachKeys)
        session.forwardsSignals = invocation.bool(sigProxy)
        session.isRemovedAfterwards = invocation.bool(RunFlags.remove)
        do {
            return try session.startAndFollow()
        } catch let error as StartFailure {
            throw failure(error.cause)
        }
    }

    /// The error of flags that make no container.
    static func refusal(_ error: CommandError) -> CommandError {
        if error.code == .unsupportedByDaemon { return error }
        return CommandError(error.code, error.message, exitCode: 125, hintsAtHelp: true)
    }

    /// The error of a container that could not be made or started, with Docker's exit code for it.
    static func failure(_ error: any Error) -> CommandError {
        let text = CommandError.text(of: error)
        if let error = error as? EngineError, error.code == .unsupported {
            return CommandError(.unsupportedByDaemon, text)
        }
        return CommandError(.daemon, text, exitCode: exitCode(of: text), hintsAtHelp: true)
    }

    /// 127 for a command that is not there, 126 for one that cannot be run, 125 for everything else.
    static func exitCode(of message: String) -> Int32 {
        let missing = [
            "executable file not found", "no such file or directory", "system cannot find the file specified",
        ]
        if missing.contains(where: { message.contains($0) }) { return 127 }
        let refused = ["permission denied", "is a directory"]
        return refused.contains(where: { message.contains($0) }) ? 126 : 125
    }
}
