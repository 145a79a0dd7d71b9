import CLinux
import Glibc
package import LinuxKernel

/// Runs a helper program to its end, from any thread (posix_spawn(3)).
package enum ProgramRun {
    /// - Parameter input: what it reads on standard input
    /// - Returns: how it ended and what it wrote to standard error
    package static func run(
        _ path: String, _ arguments: [String], input: [UInt8]
    ) throws(RuntimeError) -> (exit: ProcessExit, errors: [UInt8]) {
        let source = try temporaryFile(input)
        let errors = try step(path) { () throws(SystemCallError) in try makePipe() }
        let errorReader = Descriptor(owning: errors.read)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, source.rawValue, 0)
        posix_spawn_file_actions_adddup2(&actions, errors.write, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.write, 2)
        // Nothing else of the caller's: libraries leave descriptors open over an exec.
        try step(path) { () throws(SystemCallError) in
            try rawCall("posix_spawn") { skiff_spawn_closes_from(&actions, 3) }
        }
        var argv = arguments.map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        var pid: pid_t = 0
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        let failure = posix_spawn(&pid, path, &actions, nil, &argv, &environment)
        close(errors.write)
        guard failure == 0 else {
            throw RuntimeError(.setupFailed, "\(path): \(String(cString: strerror(failure)))", errno: failure)
        }
        let said = (try? readAll(errorReader.rawValue, limit: 1 << 20)) ?? []
        var status: Int32 = 0
        try step(path) { () throws(SystemCallError) in try systemCall("waitpid") { waitpid(pid, &status, 0) }
        }
        let signal = status & 0x7F
        let exit =
            signal == 0
            ? ProcessExit(status: status >> 8 & 0xFF, signal: nil) : ProcessExit(status: nil, signal: signal)
        return (exit, said)
    }

    /// A file without a name: a pipe could fill before the program reads.
    private static func temporaryFile(_ content: [UInt8]) throws(RuntimeError) -> Descriptor {
        try step("temporary file") { () throws(SystemCallError) in
            let file = Descriptor(owning: try rawCall("memfd_create") { skiff_memfd("skiff-input") })
            try writeAll(file.rawValue, content)
            let raw = file.rawValue
            try systemCall("lseek") { lseek(raw, 0, SEEK_SET) }
            return file
        }
    }
}
