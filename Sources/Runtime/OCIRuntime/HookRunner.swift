import CLinux
import Glibc
import JSONCodec
import LinuxKernel
package import OCIModel

/// Runs a container's hooks: programs that get its state on their standard input.
package enum HookRunner {
    /// One after the other.
    /// - Throws: `.hookFailed` with the first that fails
    package static func run(_ hooks: [RuntimeHook], _ kind: String, _ state: RuntimeState)
        throws(RuntimeError)
    {
        for (index, hook) in hooks.enumerated() {
            try run(hook, "\(kind) hook \(index) (\(hook.path))", state)
        }
    }

    /// One after the other, whatever comes of each: the container's life goes on ("Lifecycle" of runtime.md, for what
    /// runs after the start and after the end).
    /// - Returns: what went wrong
    package static func runAll(_ hooks: [RuntimeHook], _ kind: String, _ state: RuntimeState)
        -> [RuntimeError]
    {
        var failures: [RuntimeError] = []
        for (index, hook) in hooks.enumerated() {
            do throws(RuntimeError) {
                try run(hook, "\(kind) hook \(index) (\(hook.path))", state)
            } catch {
                failures.append(error)
            }
        }
        return failures
    }

    private static func run(_ hook: RuntimeHook, _ name: String, _ state: RuntimeState) throws(RuntimeError) {
        let input = try step(name) { () throws(SystemCallError) in try Self.file(holding: state) }
        let report = try step(name) { () throws(SystemCallError) in try makePipe() }
        let reportEnd = Descriptor(owning: report.read)
        let child: ForkResult
        do throws(SystemCallError) {
            child = try fork(into: [])
        } catch {
            close(report.write)
            throw RuntimeError(.hookFailed, "\(name): \(error)", errno: error.errno)
        }
        switch consume child {
        case .child: execute(hook, input: input.rawValue, report: report.write)
        case .parent(_, let pidfd):
            close(report.write)
            let exit = try wait(pidfd, hook, name)
            let raw = reportEnd.rawValue
            let failure = try step(name) { () throws(SystemCallError) in try readAll(raw) }
            if failure.count == 4 {
                let error = failure.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) }
                throw RuntimeError(.hookFailed, "\(name): \(String(cString: strerror(error)))", errno: error)
            }
            guard exit.status == 0 else {
                let how = exit.status.map { "exit status \($0)" } ?? "signal \(exit.signal ?? 0)"
                throw RuntimeError(.hookFailed, "\(name): \(how)")
            }
        }
    }

    /// A file rather than a pipe: a state of any size is there for a hook that reads it, and holds up nobody for one
    /// that does not.
    private static func file(holding state: RuntimeState) throws(SystemCallError) -> Descriptor {
        let file = Descriptor(owning: try rawCall("memfd_create") { skiff_memfd("state") })
        let raw = file.rawValue
        try writeAll(raw, state.json.bytes())
        try systemCall("lseek") { lseek(raw, 0, SEEK_SET) }
        return file
    }

    private static func execute(_ hook: RuntimeHook, input: Int32, report: Int32) -> Never {
        dup2(input, 0)
        resetSignals()
        let arguments = hook.args.isEmpty ? [hook.path] : hook.args
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = hook.env.map { strdup($0) } + [nil]
        execve(hook.path, &argv, &envp)
        var error = errno
        write(report, &error, 4)
        _exit(127)
    }

    private static func wait(
        _ pidfd: borrowing Descriptor, _ hook: RuntimeHook, _ name: String
    ) throws(RuntimeError) -> ProcessExit {
        let raw = pidfd.rawValue
        if let timeout = hook.timeout {
            var poller = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
            let ready = try step(name) { () throws(SystemCallError) in
                try systemCall("poll") { poll(&poller, 1, Int32(clamping: timeout * 1000)) }
            }
            if ready == 0 {
                try? sendSignal(SIGKILL, toPidfd: raw)
                _ = try? reap(raw)
                throw RuntimeError(.hookFailed, "\(name): did not end within \(timeout) seconds")
            }
        }
        let exit = try step(name) { () throws(SystemCallError) in try reap(raw) }
        return exit ?? ProcessExit(status: 0, signal: nil)
    }
}
