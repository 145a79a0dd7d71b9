import Cgroups
import Glibc
package import LinuxKernel
import OCIModel

/// A further process in a running container; the caller's child, which the caller reaps.
package final class ExecProcess {
    package let processID: Int32
    package let pidfd: SharedDescriptor
    private var console: SharedDescriptor?

    /// Starts a process in the namespaces of process `container` (the container's first). Returns when the kernel
    /// has accepted the program.
    package static func start(
        _ configuration: ExecConfiguration, in container: Int32
    ) throws(RuntimeError) -> ExecProcess {
        let target: ExecTarget
        do throws(SystemCallError) {
            target = try ExecTarget(container)
        } catch  where error.errno == ENOENT || error.errno == ESRCH {
            throw RuntimeError(.wrongState, "cannot exec in a stopped container")
        } catch {
            throw RuntimeError(.setupFailed, "process \(container): \(error)", errno: error.errno)
        }
        let membership = try ContainerProcess.openMembership(configuration.cgroup)
        let ends = try step("channel") { () throws(SystemCallError) in try makeMessageSockets() }
        let own = SetupChannel(Descriptor(owning: ends.0))
        let theirs = SetupChannel(Descriptor(owning: ends.1))
        let result: ForkResult
        do throws(RuntimeError) {
            result = try NamespacePlan.fork(
                into: [], cgroup: membership?.directory?.rawValue ?? -1, pidNamespace: target.pidfd.rawValue)
        } catch  where error.errno == ESRCH || error.errno == ENOMEM {
            // A PID namespace whose first process has ended takes no more processes.
            throw RuntimeError(.wrongState, "cannot exec in a stopped container", errno: error.errno)
        }
        switch consume result {
        case .child:
            // Else this copy would hide the parent's end from us.
            _ = consume own
            ExecInit(configuration: configuration, target: target, membership: membership, channel: theirs)
                .run()
        case .parent(let pid, let pidfd):
            _ = consume theirs
            let process = ExecProcess(processID: pid, pidfd: SharedDescriptor(pidfd))
            try process.waitForProgram(own)
            return process
        }
    }

    /// The other end of the process's terminal, once; nil without a terminal.
    package func takeConsole() -> SharedDescriptor? {
        defer { console = nil }
        return console
    }

    private init(processID: Int32, pidfd: SharedDescriptor) {
        self.processID = processID
        self.pidfd = pidfd
    }

    private func waitForProgram(_ channel: borrowing SetupChannel) throws(RuntimeError) {
        do throws(RuntimeError) {
            while let received = try step("channel", { () throws(SystemCallError) in try channel.receive() })
            {
                switch received.message {
                case .console: console = received.descriptors.first
                case .failed(let error): throw error
                default: throw RuntimeError(.setupFailed, "the new process answered out of turn")
                }
            }
        } catch {
            try? sendSignal(SIGKILL, toPidfd: pidfd.rawValue)
            _ = try? reap(pidfd.rawValue)
            throw error
        }
    }
}

/// The namespaces and the root of a running container.
struct ExecTarget: Sendable {
    let pidfd: SharedDescriptor
    let root: SharedDescriptor

    init(_ container: Int32) throws(SystemCallError) {
        pidfd = SharedDescriptor(try openPidfd(container))
        root = SharedDescriptor(try openFile("/proc/\(container)/root", O_PATH | O_DIRECTORY))
    }
}

/// An exec'd process between fork and exec.
struct ExecInit: ~Copyable {
    let configuration: ExecConfiguration
    let target: ExecTarget
    let membership: CgroupMembership?
    let channel: SetupChannel

    /// Never returns; a failure is reported to the caller.
    consuming func run() -> Never {
        do throws(RuntimeError) {
            let setup = ProcessSetup(
                process: configuration.process, request: configuration.user, seccomp: configuration.seccomp,
                preservedDescriptors: configuration.preservedDescriptors,
                parentSocket: configuration.diesWithParent ? channel.socket.rawValue : nil, wrapper: [],
                makesWorkingDirectory: false)
            let prepared = try enter(setup)
            try setup.finish(prepared)
        } catch {
            // Where even this fails the caller sees the channel close and the process end.
            try? channel.send(.failed(error))
            _exit(error.exitStatus)
        }
    }

    private borrowing func enter(_ setup: ProcessSetup) throws(RuntimeError) -> ProcessSetup.Prepared {
        try step("process") { () throws(SystemCallError) in
            // The container's processes can see this one as soon as it is inside.
            try setDumpable(false)
        }
        if configuration.diesWithParent { try SetupChannel.dieWithParent(channel.socket.rawValue) }
        try GroupMembership.join(membership)
        setsid()
        try ProcessSetup.prepareOutside(setup.process)
        let pidfd = target.pidfd.rawValue
        let root = target.root.rawValue
        try step("joining the container's namespaces") { () throws(SystemCallError) in
            try joinNamespaces(pidfd, [.mount, .uts, .ipc, .network, .cgroup])
            try systemCall("fchdir") { fchdir(root) }
            try systemCall("chroot") { chroot(".") }
        }
        try step("session keyring") { () throws(SystemCallError) in
            do throws(SystemCallError) { try joinNewSessionKeyring() } catch  where error.errno == ENOSYS {}
        }
        switch configuration.streams {
        case .inherit: break
        case .descriptors(let input, let output, let error):
            try StreamSetup.install(input: input, output: output, error: error)
        case .console(let size):
            let slave = try ConsoleSetup.make(root, size: size, mountsConsole: false, channel)
            try StreamSetup.installTerminal(slave.rawValue)
        }
        umask(0o022)
        return try setup.prepare()
    }
}
