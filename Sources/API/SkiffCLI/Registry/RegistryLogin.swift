import EngineClient
import Glibc
import JSONCodec
import LinuxKernel

/// `login`
enum RegistryLogin {
    private static let username = Flag("username", "u", .string, "User's name")
    private static let password = Flag(
        "password", "p", .string, "Password, which others on this machine can see then")
    private static let passwordStdin = Flag("password-stdin", .bool, "Read the password from standard input")

    static func command() -> Command {
        Command(
            paths: ["login"], usage: "[OPTIONS] [SERVER]", summary: "Log in to a registry",
            flags: [password, passwordStdin, username], arguments: .atMost(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let server = RegistryCredentialStore.server(typed: invocation.arguments.first ?? "")
        var store = try RegistryCredentialStore(folder: invocation.session.configurationFolder)
        if invocation.isSet(password) {
            Output.error("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
        }
        var entry = RegistryCredentialStore.Entry()
        entry.username = invocation.string(username)
        if !invocation.isSet(username), !invocation.bool(passwordStdin) {
            let known = try store.entry(for: server)
            if !known.isEmpty {
                invocation.session.output.line("Authenticating with existing credentials...")
                invocation.session.output.flush()
                if let token = try? login(known, server, invocation) {
                    return try finish(known, token, server, &store, invocation)
                }
            }
            entry.username = known.username
        }
        entry = try asked(entry, invocation)
        let token = try login(entry, server, invocation)
        return try finish(entry, token, server, &store, invocation)
    }

    /// Asks for what the flags leave open.
    private static func asked(
        _ entry: RegistryCredentialStore.Entry, _ invocation: Invocation
    ) throws -> RegistryCredentialStore.Entry {
        var entry = entry
        if invocation.bool(passwordStdin) {
            guard !invocation.isSet(password) else {
                throw CommandError(.invalidArgument, "--password and --password-stdin are mutually exclusive")
            }
            guard !entry.username.isEmpty else {
                throw CommandError(.invalidArgument, "Must provide --username with --password-stdin")
            }
            let bytes = try readAll(0, limit: 1 << 16)
            entry.password = String(decoding: bytes, as: UTF8.self).withoutLineEnd
            return entry
        }
        entry.password = invocation.string(password)
        if entry.username.isEmpty {
            entry.username = try TerminalPrompt.ask("Username: ", isSecret: false)
        }
        guard !entry.username.isEmpty else {
            throw CommandError(.invalidArgument, "Error: Non-null Username Required")
        }
        if entry.password.isEmpty { entry.password = try TerminalPrompt.ask("Password: ", isSecret: true) }
        guard !entry.password.isEmpty else {
            throw CommandError(.invalidArgument, "Error: Password Required")
        }
        return entry
    }

    /// - Returns: the token to keep instead of the password; empty where there is none
    private static func login(
        _ entry: RegistryCredentialStore.Entry, _ server: String, _ invocation: Invocation
    ) throws -> String {
        var body = JSONObject()
        body["username"] = .string(entry.username)
        body["password"] = .string(entry.password)
        if !entry.identityToken.isEmpty { body["identitytoken"] = .string(entry.identityToken) }
        body["serveraddress"] = .string(server)
        let answer = try invocation.client.json(EngineRequest(.post, "/auth", body: .object(body)))
        return answer["IdentityToken"]?.stringValue ?? ""
    }

    private static func finish(
        _ entry: RegistryCredentialStore.Entry, _ token: String, _ server: String,
        _ store: inout RegistryCredentialStore, _ invocation: Invocation
    ) throws -> Int32 {
        var kept = entry
        if !token.isEmpty { (kept.identityToken, kept.password) = (token, "") }
        if try store.store(kept, for: server) == nil {
            Output.error(
                "\nWARNING! Your credentials are stored unencrypted in '\(store.path)'.\n"
                    + "Configure a credential helper to remove this warning.\n")
        }
        invocation.session.output.line("Login Succeeded")
        return 0
    }
}

/// `logout`
enum RegistryLogout {
    static func command() -> Command {
        Command(
            paths: ["logout"], usage: "[SERVER]", summary: "Log out from a registry", arguments: .atMost(1),
            run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let server = RegistryCredentialStore.server(typed: invocation.arguments.first ?? "")
        var store = try RegistryCredentialStore(folder: invocation.session.configurationFolder)
        if try store.erase(server) {
            invocation.session.output.line("Removing login credentials for \(server)")
        } else {
            invocation.session.output.line("Not logged in to \(server)")
        }
        return 0
    }
}

/// Questions on the terminal.
enum TerminalPrompt {
    /// - Parameter isSecret: whether what is typed must not show
    /// - Throws: `CommandError` where standard input is no terminal
    static func ask(_ question: String, isSecret: Bool) throws -> String {
        guard RawTerminal.isTerminal(0) else {
            throw CommandError(
                .invalidArgument, "Error: Cannot perform an interactive login from a non TTY device")
        }
        try writeAll(2, Array(question.utf8))
        var settings = termios()
        tcgetattr(0, &settings)
        if isSecret {
            var silent = settings
            silent.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(0, TCSANOW, &silent)
        }
        defer {
            if isSecret {
                tcsetattr(0, TCSANOW, &settings)
                Output.error("")
            }
        }
        return (readLine(strippingNewline: true) ?? "").withoutLineEnd
    }

    /// Whether the user says yes.
    static func confirms(_ question: String) throws -> Bool {
        try writeAll(1, Array("\(question) [y/N] ".utf8))
        let answer = (readLine(strippingNewline: true) ?? "").trimmed.lowercased()
        return answer == "y" || answer == "yes"
    }
}

extension String {
    /// Without one line end.
    var withoutLineEnd: String {
        var text = self
        if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
        return text
    }
}
