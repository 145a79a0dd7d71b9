import Cgroups
import Glibc
package import LinuxKernel
import OCIModel

/// A container's first process, from its creation until its program runs. For a single-threaded caller, whose child
/// the process is: the caller reaps it.
package final class ContainerProcess {
    /// As the caller sees it.
    package let processID: Int32
    /// Readable when the process has ended.
    package let pidfd: SharedDescriptor
    /// Nil where the container shares a network namespace that existed.
    package private(set) var networkNamespace: SharedDescriptor?

    private let channel: SetupChannel
    private let configuration: ContainerConfiguration
    private var console: SharedDescriptor?
    private var bareRoot: SharedDescriptor?
    private var isPrepared = false
    private var isReaped = false

    /// Makes namespaces, joins the control group and begins to build the file tree, without waiting for it:
    /// the caller attaches the network meanwhile.
    /// - Parameter startDirectory: where a later process leaves its `start(in:)`; nil when this one calls `start()`
    /// - Throws: after which nothing is left (the caller removes the control group)
    package static func create(
        _ configuration: ContainerConfiguration, startDirectory: String? = nil
    ) throws(RuntimeError) -> ContainerProcess {
        let plan = try NamespacePlan(configuration.spec.linux)
        try SpecificationCheck.check(configuration, plan)
        let mounts = try PreparedMounts(configuration)
        let gate = try startDirectory.map { (path) throws(RuntimeError) in try StartGate.listen(in: path) }
        let membership = try openMembership(configuration.cgroup)
        let ends = try step("channel") { () throws(SystemCallError) in try makeMessageSockets() }
        let own = SetupChannel(Descriptor(owning: ends.0))
        let theirs = SetupChannel(Descriptor(owning: ends.1))
        let result = try plan.fork(cgroup: membership?.directory?.rawValue ?? -1)
        switch consume result {
        case .child:
            // Else this copy would hide the parent's end from us.
            _ = consume own
            ContainerInit(
                configuration: configuration, mounts: mounts, membership: membership,
                joined: plan.joinedByChild,
                channel: theirs, gate: gate
            ).run()
        case .parent(let pid, let pidfd):
            _ = consume theirs
            configuration.cgroup?.processJoined()
            let process = ContainerProcess(
                processID: pid, pidfd: SharedDescriptor(pidfd), channel: own, configuration: configuration)
            process.bareRoot = mounts.bareRoot
            return try process.openingNetwork(plan.created.contains(.network))
        }
    }

    private func openingNetwork(_ isOwn: Bool) throws(RuntimeError) -> ContainerProcess {
        guard isOwn else { return self }
        do throws(SystemCallError) {
            networkNamespace = SharedDescriptor(try openFile("/proc/\(processID)/ns/net", O_RDONLY))
            return self
        } catch  where error.errno == ENOENT || error.errno == ESRCH || error.errno == EACCES {
            // A process that has ended has no namespaces any more: it knows better why.
            throw failure()
        } catch {
            abandon()
            throw RuntimeError(.setupFailed, "network namespace: \(error)", errno: error.errno)
        }
    }

    static func openMembership(_ group: (any Cgroup)?) throws(RuntimeError) -> CgroupMembership? {
        guard let group else { return nil }
        do throws(CgroupError) {
            return try group.openMembership()
        } catch {
            throw RuntimeError(.setupFailed, error.message, errno: error.cause?.errno ?? 0)
        }
    }

    private init(
        processID: Int32, pidfd: SharedDescriptor, channel: consuming SetupChannel,
        configuration: ContainerConfiguration
    ) {
        self.processID = processID
        self.pidfd = pidfd
        self.channel = channel
        self.configuration = configuration
    }

    /// Waits until everything but the program's start is done. `start()` does it by itself.
    package func waitUntilPrepared() throws(RuntimeError) {
        while !isPrepared {
            switch try receive() {
            case .prepared: isPrepared = true
            case .mounted: try runOwnHooks()
            case .failed(let error): try fail(error)
            case nil: try fail(died())
            case .console, .proceed:
                try fail(RuntimeError(.setupFailed, "the container's process answered out of turn"))
            }
        }
    }

    /// The other end of the container's terminal, once, after it is prepared; nil without a terminal.
    package func takeConsole() -> SharedDescriptor? {
        defer { console = nil }
        return console
    }

    /// The root filesystem as a mount of its own, without what is mounted in it, once; nil where it is no overlay or
    /// this kernel copies no detached mount.
    package func takeBareRoot() -> SharedDescriptor? {
        defer { bareRoot = nil }
        return bareRoot
    }

    /// Executes the container's program. Returns when the kernel has accepted it.
    /// - Throws: `.executableNotFound`, `.executableNotRunnable`, …; the process has ended then and is reaped
    package func start() throws(RuntimeError) {
        try waitUntilPrepared()
        do throws(SystemCallError) {
            try channel.send(.proceed)
        } catch {
            try fail(died())
        }
        switch try receive() {
        case nil:
            // Closed by a successful exec. A process that was killed just before it looks the same, and so does a
            // program that has ended already: both have run as far as anybody can tell, and are the caller's to reap.
            break
        case .failed(let error): try fail(error)
        default: try fail(RuntimeError(.setupFailed, "the container's process answered out of turn"))
        }
    }

    /// The name of the socket in a start directory; it is there until the container starts.
    package static let startSocketName = StartGate.name

    /// Executes the program of a container that another process created with this `startDirectory`.
    package static func start(in startDirectory: String) throws(RuntimeError) {
        try StartGate.start(in: startDirectory)
    }

    /// Why a process that was never started has ended (this ends it): in its own words, where it left any.
    package func failure() -> RuntimeError {
        // Its only failure is that the process has ended already.
        if !isReaped { try? sendSignal(SIGKILL, toPidfd: pidfd.rawValue) }
        do throws(SystemCallError) {
            while let received = try channel.receive() {
                guard case .failed(let error) = received.message else { continue }
                abandon()
                return error
            }
            return died()
        } catch {
            abandon()
            return RuntimeError(.setupFailed, "the container's process: \(error)", errno: error.errno)
        }
    }

    /// Kills and reaps a process that was created and never started.
    package func abandon() {
        if isReaped { return }
        try? sendSignal(SIGKILL, toPidfd: pidfd.rawValue)
        _ = try? reap(pidfd.rawValue)
        isReaped = true
    }

    /// The next message that is not a terminal, which is put aside.
    private func receive() throws(RuntimeError) -> SetupChannel.Message? {
        while true {
            let received: (message: SetupChannel.Message, descriptors: [SharedDescriptor])?
            do throws(SystemCallError) {
                received = try channel.receive()
            } catch {
                try fail(RuntimeError(.setupFailed, "the container's process: \(error)", errno: error.errno))
            }
            guard let received else { return nil }
            if case .console = received.message {
                console = received.descriptors.first
                continue
            }
            return received.message
        }
    }

    private func runOwnHooks() throws(RuntimeError) {
        let hooks = configuration.spec.hooks
        let state = RuntimeState(
            id: configuration.id, status: .creating, pid: processID, bundle: configuration.bundle,
            annotations: configuration.spec.annotations)
        do throws(RuntimeError) {
            try HookRunner.run(hooks.prestart, "prestart", state)
            try HookRunner.run(hooks.createRuntime, "createRuntime", state)
        } catch {
            try fail(error)
        }
        do throws(SystemCallError) {
            try channel.send(.proceed)
        } catch {
            try fail(died())
        }
    }

    private func fail(_ error: RuntimeError) throws(RuntimeError) -> Never {
        abandon()
        throw error
    }

    /// Why a process that closed its channel is gone.
    private func died() -> RuntimeError {
        let exit = isReaped ? nil : try? reap(pidfd.rawValue)
        isReaped = isReaped || exit != nil
        let how =
            exit.map { $0.status.map { "exit status \($0)" } ?? "signal \($0.signal ?? 0)" }
            ?? "unknown reason"
        return RuntimeError(
            .childDied,
            "the container's process ended while it was set up (\(how)); a memory limit that is too low "
                + "for the set-up itself ends it with signal 9")
    }
}
