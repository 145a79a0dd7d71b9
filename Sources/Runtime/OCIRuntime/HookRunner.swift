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

    private static func run(_ hook: RuntimeHook, _ name: String, _ state: RuntimeState) throws(RuntimeError) {
        let input = try step(name) { () throws(SystemCallError) in try makePipe() }
        let report = try step(name) { () throws(SystemCallError) in try makePipe() }
        let reportEnd = Descriptor(owning: report.read)
        let child: ForkResult
        do throws(SystemCallError) {
            child = try fork(into: [])
        } catch {
            for descriptor in [input.read, input.write, report.write] { close(descriptor) }
            throw RuntimeError(.hookFailed, "\(name): \(error)", errno: error.errno)
        }
        switch consume child {
        case .child: execute(hook, input: input.read, report: report.write)
        case .parent(_, let pidfd):
            close(input.read)
            close(report.write)
            // A hook that does not read its input is none the worse for it.
            ignoringBrokenPipe { try? writeAll(input.write, state.json.bytes()) }
            close(input.write)
            let exit = try wait(pidfd, hook, name)
            if let failure = try? readAll(reportEnd.rawValue), failure.count == 4 {
                let error = failure.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) }
                throw RuntimeError(.hookFailed, "\(name): \(String(cString: strerror(error)))", errno: error)
            }
            guard exit.status == 0 else {
                let how = exit.status.map { "exit status \($0)" } ?? "signal \(exit.signal ?? 0)"
                throw RuntimeError(.hookFailed, "\(name): \(how)")
            }
        }
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

    private static func ignoringBrokenPipe(_ body: () -> Void) {
        let previous = signal(SIGPIPE, SIG_IGN)
        body()
        signal(SIGPIPE, previous)
    }
}
