import EngineClient
import Glibc
import JSONCodec
import LinuxKernel

/// The start of a container did not succeed.
struct StartFailure: Error {
    let cause: any Error
}

/// A container whose streams are connected with this process's: for `run`, `start --attach` and `attach`.
struct AttachedContainer {
    let client: EngineClient
    let id: String
    var isTerminal = false
    var sendsInput = false
    var wantsOutput = true
    var wantsErrors = true
    var detachKeys = DetachKeyChoice(text: "", keys: .standard)
    var forwardsSignals = true
    var isRemovedAfterwards = false

    init(client: EngineClient, id: String) {
        self.client = client
        self.id = id
    }

    private var path: String { "/containers/\(EngineRequest.escape(id))" }

    // MARK: Requests

    private func beginAttach() throws(EngineError) -> PendingResponse {
        var query: [(name: String, value: String)] = [("stream", "1")]
        if sendsInput { query.append(("stdin", "1")) }
        if wantsOutput { query.append(("stdout", "1")) }
        if wantsErrors { query.append(("stderr", "1")) }
        if !detachKeys.text.isEmpty { query.append(("detachKeys", detachKeys.text)) }
        return try client.begin(EngineRequest(.post, path + "/attach", query: query), upgrade: true)
    }

    private func beginWait(_ condition: String) throws(EngineError) -> PendingResponse {
        let query = condition.isEmpty ? [] : [(name: "condition", value: condition)]
        return try client.begin(EngineRequest(.post, path + "/wait", query: query))
    }

    // MARK: Runs

    /// Attaches, starts the container, and follows it to its end.
    /// - Returns: the container's exit code; 0 after detaching
    /// - Throws: `StartFailure`, `EngineError`
    func startAndFollow() throws -> Int32 {
        let signals = try SignalQueue(caughtSignals)
        // Both are under way before either is waited for; the start comes when the daemon has taken both.
        let attach = wantsOutput || wantsErrors || sendsInput ? try beginAttach() : nil
        let wait = try beginWait(isRemovedAfterwards ? "removed" : "next-exit")
        let stream = try attach?.upgraded()
        let status = try wait.response()
        let terminal = RawTerminal()
        defer { terminal.restore() }
        if isTerminal, sendsInput { try terminal.enter() }
        do {
            try client.perform(EngineRequest(.post, path + "/start"))
        } catch {
            terminal.restore()
            if isRemovedAfterwards { _ = try? Self.exitCode(of: status) }
            throw StartFailure(cause: error)
        }
        if isTerminal { resize() }
        if let stream, try follow(stream, signals, terminal) == .detached { return 0 }
        terminal.restore()
        return try Self.exitCode(of: status)
    }

    /// Attaches to a container that runs already.
    /// - Parameter check: refuses a container that is not running (any more), given its state
    /// - Returns: the container's exit code; nil after detaching
    func follow(_ check: (JSONValue) throws -> Void) throws -> Int32? {
        let signals = try SignalQueue(caughtSignals)
        let attach = try beginAttach()
        let wait = try beginWait("")
        let stream = try attach.upgraded()
        let status = try wait.response()
        // A container that ended before the attach would never end the stream.
        if !stream.isLive {
            try check(try client.json(EngineRequest(.get, path + "/json"))["State"] ?? .null)
        }
        let terminal = RawTerminal()
        defer { terminal.restore() }
        if isTerminal, sendsInput { try terminal.enter() }
        if isTerminal { refresh() }
        if try follow(stream, signals, terminal) == .detached { return nil }
        terminal.restore()
        return try Self.exitCode(of: status)
    }

    private func follow(
        _ stream: UpgradedStream, _ signals: SignalQueue, _ terminal: RawTerminal
    ) throws -> StreamSession.Outcome {
        var options = StreamSession.Options()
        options.isTerminal = isTerminal
        options.sendsInput = sendsInput
        if isTerminal, sendsInput { options.detachKeys = detachKeys.keys }
        var terminations = 0
        options.onSignal = { signal in
            handle(signal, terminal)
            guard signal == SIGINT || signal == SIGTERM else { return }
            terminations += 1
            guard terminations == 3 else { return }
            terminal.restore()
            Output.error("\ngot 3 SIGTERM/SIGINTs, forcefully exiting")
            exit(1)
        }
        do {
            return try StreamSession(stream.connection, signals: signals, options: options).run()
        } catch let error as SystemCallError where error.errno == EPIPE {
            terminal.restore()
            exit(128 + SIGPIPE)
        }
    }

    // MARK: Signals and size

    /// Without forwarding, what Docker's client outlives is taken and dropped; the third SIGINT or SIGTERM ends it.
    private var caughtSignals: [Int32] {
        let own = isTerminal ? [SIGWINCH] : []
        guard !forwardsSignals else { return own + SignalQueue.forwarded }
        let dropped = [SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM]
        // These end the client, which leaves the terminal as it was.
        return own + dropped + (isTerminal ? [SIGHUP, SIGQUIT] : [])
    }

    private func handle(_ signal: Int32, _ terminal: RawTerminal) {
        if signal == SIGWINCH { return resize() }
        guard forwardsSignals else {
            guard signal == SIGHUP || signal == SIGQUIT else { return }
            terminal.restore()
            exit(128 + signal)
        }
        // The container may be gone already: its end is reported in its own way.
        let query = [(name: "signal", value: SignalQueue.name(signal))]
        try? client.perform(EngineRequest(.post, path + "/kill", query: query))
    }

    private func resize() { resize(to: RawTerminal.size) }

    private func resize(to size: (rows: Int, columns: Int)?) {
        guard let size else { return }
        let query = [(name: "h", value: "\(size.rows)"), (name: "w", value: "\(size.columns)")]
        // A container that has ended needs no size.
        try? client.perform(EngineRequest(.post, path + "/resize", query: query))
    }

    /// Makes a program that runs already draw its screen again: its size changes and changes back.
    private func refresh() {
        guard let size = RawTerminal.size else { return }
        resize(to: (size.rows + 1, size.columns + 1))
        resize(to: size)
    }

    // MARK: The end

    /// Waits for the container's exit code.
    static func exitCode(of status: EngineResponse) throws -> Int32 {
        let answer = try status.readJSON()
        if let message = answer["Error"]?["Message"]?.stringValue, !message.isEmpty {
            Output.error("Error waiting for container: \(message)")
            return 125
        }
        guard let code = answer["StatusCode"]?.integerValue else {
            Output.error("Error waiting for container: the daemon sent no exit code")
            return 125
        }
        return Int32(truncatingIfNeeded: code)
    }
}

/// The keys that detach: those of a flag, of the configuration file, or Docker's.
struct DetachKeyChoice {
    /// What the daemon is told; empty for its default.
    let text: String
    let keys: DetachKeys

    init(text: String, keys: DetachKeys) {
        self.text = text
        self.keys = keys
    }

    /// - Throws: `CommandError` where the text is no key sequence
    init(_ invocation: Invocation, _ flag: Flag) throws {
        var text = invocation.string(flag)
        if text.isEmpty { text = ConfigurationFile(invocation.session.configurationFolder).detachKeys }
        guard !text.isEmpty else {
            self.init(text: "", keys: .standard)
            return
        }
        guard let keys = DetachKeys(parsing: text) else {
            throw CommandError(
                .invalidArgument,
                "invalid detach keys (\(text)): a comma-separated list of letters or ctrl-<letter>")
        }
        self.init(text: text, keys: keys)
    }
}
