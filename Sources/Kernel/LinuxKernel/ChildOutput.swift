import CLinux
import Glibc

/// What a short-lived program of the host printed, both its streams together.
package struct ChildOutput: Sendable {
    /// The exit code, or 128 and the signal's number.
    package let status: Int32
    package let text: String

    /// Runs a program found through PATH to its end. Blocks.
    /// - Parameters:
    ///   - input: what it reads on standard input
    ///   - limit: bytes of output; more end it
    package static func run(
        _ command: [String], input: String = "", limit: Int = 4 << 20
    ) throws(SystemCallError) -> ChildOutput {
        let source = try file(input)
        let (readEnd, writeEnd) = try makePipe()
        let output = Descriptor(owning: readEnd)
        let pid: pid_t
        do {
            let end = Descriptor(owning: writeEnd)
            pid = try spawn(command, input: source.rawValue, output: end.rawValue)
        }
        let result: Result<[UInt8], SystemCallError>
        do throws(SystemCallError) {
            result = .success(try readAll(output.rawValue, limit: limit))
        } catch {
            kill(pid, SIGKILL)
            result = .failure(error)
        }
        var status: Int32 = 0
        try systemCall("waitpid") { waitpid(pid, &status, 0) }
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F
        return ChildOutput(status: code, text: String(decoding: try result.get(), as: UTF8.self))
    }

    /// A file without a name: a pipe could fill before the program reads.
    private static func file(_ content: String) throws(SystemCallError) -> Descriptor {
        let file = Descriptor(owning: try rawCall("memfd_create") { skiff_memfd("skiff-input") })
        try writeAll(file.rawValue, Array(content.utf8))
        let raw = file.rawValue
        try systemCall("lseek") { lseek(raw, 0, SEEK_SET) }
        return file
    }

    private static func spawn(
        _ command: [String], input: Int32, output: Int32
    ) throws(SystemCallError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        // Nothing else of the engine's: a client's connection must end with it.
        try rawCall("posix_spawn") { skiff_spawn_closes_from(&actions, 3) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The engine's threads block every signal; a program must not inherit that.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let result = posix_spawnp(&pid, command[0], &actions, &attributes, arguments, environ)
        guard result == 0 else {
            throw SystemCallError(call: "posix_spawn", errno: result, subject: command[0])
        }
        return pid
    }
}
