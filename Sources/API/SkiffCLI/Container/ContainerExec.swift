import DockerAPI
import EngineClient
import Glibc
import JSONCodec
import LinuxKernel

/// `exec`
enum ContainerExec {
    private static let detach = Flag("detach", "d", .bool, "Leave the command running in the background")
    private static let detachKeys = Flag("detach-keys", .string, "Keys that detach from the command")
    private static let env = Flag(
        "env", "e", .list, "Set a variable of the environment", check: FlagCheck.environment)
    private static let envFile = Flag("env-file", .list, "Read variables of the environment from a file")
    private static let interactive = Flag("interactive", "i", .bool, "Keep standard input open")
    private static let privileged = Flag("privileged", .bool, "Lift the restrictions for the command")
    private static let tty = Flag("tty", "t", .bool, "Give the command a terminal")
    private static let user = Flag("user", "u", .string, "User to run as (format: <name|uid>[:<group|gid>])")
    private static let workdir = Flag(
        "workdir", "w", .string, "Folder in the container that the command starts in")

    static func command() -> Command {
        Command(
            paths: ["container exec", "exec"], usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
            summary: "Run a command in a running container",
            flags: [detach, detachKeys, env, envFile, interactive, privileged, tty, user, workdir],
            arguments: .atLeast(2), isInterspersed: false, run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let environment = try ListedFile.environment(
            files: invocation.list(envFile), variables: invocation.list(env))
        let keys = try DetachKeyChoice(invocation, detachKeys)
        let isDetached = invocation.bool(detach)
        let sendsInput = invocation.bool(interactive) && !isDetached
        if sendsInput, invocation.bool(tty), !RawTerminal.isTerminal(0) {
            throw CommandError(.environment, "the input device is not a TTY")
        }
        let client = try invocation.client
        let size = invocation.bool(tty) && !isDetached ? RawTerminal.size : nil
        let answer = try client.send { version throws(EngineError) in
            request(invocation, environment, keys.text, size: version >= .init(1, 42) ? size : nil)
        }.readJSON()
        guard let id = answer["Id"]?.stringValue, !id.isEmpty else {
            throw CommandError(.daemon, "exec ID empty")
        }
        if isDetached {
            let body: JSONValue = ["Detach": true, "Tty": .bool(invocation.bool(tty))]
            try client.perform(EngineRequest(.post, "/exec/\(id)/start", body: body))
            return 0
        }
        var session = AttachedExec(client: client, id: id)
        session.isTerminal = invocation.bool(tty)
        session.sendsInput = sendsInput
        session.size = size
        session.detachKeys = keys
        return try session.run()
    }

    private static func request(
        _ invocation: Invocation, _ environment: [String], _ keys: String, size: (rows: Int, columns: Int)?
    ) -> EngineRequest {
        let isDetached = invocation.bool(detach)
        var body = JSONObject()
        body["User"] = .string(invocation.string(user))
        body["Privileged"] = .bool(invocation.bool(privileged))
        body["Tty"] = .bool(invocation.bool(tty))
        if let size { body["ConsoleSize"] = [.integer(Int64(size.rows)), .integer(Int64(size.columns))] }
        body["AttachStdin"] = .bool(invocation.bool(interactive) && !isDetached)
        body["AttachStderr"] = .bool(!isDetached)
        body["AttachStdout"] = .bool(!isDetached)
        body["Detach"] = .bool(isDetached)
        body["DetachKeys"] = .string(keys)
        body["Env"] = .texts(environment)
        body["WorkingDir"] = .string(invocation.string(workdir))
        body["Cmd"] = .list(Array(invocation.arguments.dropFirst()))
        let name = EngineRequest.escape(invocation.arguments[0].trimmed)
        return EngineRequest(.post, "/containers/\(name)/exec", body: .object(body))
    }
}

/// An exec whose streams are connected with this process's.
struct AttachedExec {
    let client: EngineClient
    let id: String
    var isTerminal = false
    var sendsInput = false
    var size: (rows: Int, columns: Int)?
    var detachKeys = DetachKeyChoice(text: "", keys: .standard)

    init(client: EngineClient, id: String) {
        self.client = client
        self.id = id
    }

    /// - Returns: the command's exit code
    /// - Throws: `CommandError` after detaching, as Docker does
    func run() throws -> Int32 {
        let signals = try SignalQueue(isTerminal ? [SIGWINCH, SIGHUP, SIGINT, SIGQUIT, SIGTERM] : [])
        var body = JSONObject()
        body["Detach"] = false
        body["Tty"] = .bool(isTerminal)
        if let size, client.version >= .init(1, 42) {
            body["ConsoleSize"] = [.integer(Int64(size.rows)), .integer(Int64(size.columns))]
        }
        let start = EngineRequest(.post, "/exec/\(id)/start", body: .object(body))
        let stream = try client.begin(start, upgrade: true).upgraded()
        let terminal = RawTerminal()
        defer { terminal.restore() }
        if isTerminal, sendsInput { try terminal.enter() }
        if isTerminal { resize() }
        var options = StreamSession.Options()
        options.isTerminal = isTerminal
        options.sendsInput = sendsInput
        if isTerminal, sendsInput { options.detachKeys = detachKeys.keys }
        options.onSignal = { signal in
            if signal == SIGWINCH { return resize() }
            terminal.restore()
            exit(128 + signal)
        }
        do {
            let session = StreamSession(stream.connection, signals: signals, options: options)
            if try session.run() == .detached {
                throw CommandError(.several, "read escape sequence")
            }
        } catch let error as SystemCallError where error.errno == EPIPE {
            terminal.restore()
            exit(128 + SIGPIPE)
        }
        terminal.restore()
        let state = try client.json(EngineRequest(.get, "/exec/\(id)/json"))
        return Int32(truncatingIfNeeded: state["ExitCode"]?.integerValue ?? 0)
    }

    private func resize() {
        guard let size = RawTerminal.size else { return }
        let query = [(name: "h", value: "\(size.rows)"), (name: "w", value: "\(size.columns)")]
        // A command that has ended needs no size.
        try? client.perform(EngineRequest(.post, "/exec/\(id)/resize", query: query))
    }
}
