import Glibc
import JSONCodec
import LinuxKernel

/// A program `docker-credential-NAME` that keeps credentials; its protocol is that of Docker's helpers.
struct CredentialProgram {
    private let program: String

    init(_ name: String) { program = "docker-credential-\(name)" }

    /// - Returns: nil where it has none for the server
    func get(_ server: String) throws -> RegistryCredentialStore.Entry? {
        let (status, output) = try run("get", Array(server.utf8))
        guard status == 0 else {
            let text = String(decoding: output, as: UTF8.self)
            if text.contains("credentials not found") { return nil }
            throw CommandError(.environment, "error getting credentials - \(program): \(text.trimmed)")
        }
        guard let value = try? JSONValue(parsing: output) else {
            throw CommandError(.environment, "\(program) gave no JSON")
        }
        var entry = RegistryCredentialStore.Entry()
        let name = value["Username"]?.stringValue ?? ""
        let secret = value["Secret"]?.stringValue ?? ""
        if name == "<token>" {
            entry.identityToken = secret
        } else {
            (entry.username, entry.password) = (name, secret)
        }
        return entry
    }

    func store(_ entry: RegistryCredentialStore.Entry, for server: String) throws {
        let hasToken = !entry.identityToken.isEmpty
        let body: JSONValue = [
            "ServerURL": .string(server), "Username": .string(hasToken ? "<token>" : entry.username),
            "Secret": .string(hasToken ? entry.identityToken : entry.password),
        ]
        let (status, output) = try run("store", body.bytes())
        guard status == 0 else {
            throw CommandError(
                .environment,
                "error storing credentials - \(program): \(String(decoding: output, as: UTF8.self).trimmed)")
        }
    }

    func erase(_ server: String) throws {
        let (status, output) = try run("erase", Array(server.utf8))
        guard status == 0 || String(decoding: output, as: UTF8.self).contains("not found") else {
            throw CommandError(
                .environment,
                "error erasing credentials - \(program): \(String(decoding: output, as: UTF8.self).trimmed)")
        }
    }

    private func run(_ action: String, _ input: [UInt8]) throws -> (status: Int32, output: [UInt8]) {
        let toChild = try makePipe()
        let fromChild = try makePipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild.read, 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild.write, 1)
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup(action), nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let result = posix_spawnp(&process, program, &actions, nil, &arguments, environ)
        close(toChild.read)
        close(fromChild.write)
        let writer = Descriptor(owning: toChild.write)
        let reader = Descriptor(owning: fromChild.read)
        guard result == 0 else {
            throw CommandError(
                .environment,
                "error getting credentials - err: exec: \"\(program)\": \(String(cString: strerror(result)))")
        }
        // A helper that reads nothing is one that has already said why.
        let previous = signal(SIGPIPE, SIG_IGN)
        try? writeAll(writer.rawValue, input + [0x0A])
        signal(SIGPIPE, previous)
        close(writer.take())
        let output = try readAll(reader.rawValue, limit: 1 << 20)
        var status: Int32 = 0
        try systemCall("waitpid") { waitpid(process, &status, 0) }
        return (status, output)
    }
}
