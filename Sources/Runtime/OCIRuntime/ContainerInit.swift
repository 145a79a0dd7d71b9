import Cgroups
import Glibc
import LinuxKernel
import OCIModel

/// The first process of a container between clone3 and exec: what the new process itself has to do, step by step.
struct ContainerInit: ~Copyable {
    let configuration: ContainerConfiguration
    let mounts: PreparedMounts
    let membership: CgroupMembership?
    /// Namespaces to join, opened by the caller.
    let joined: [(kind: RuntimeNamespace.Kind, descriptor: SharedDescriptor)]
    let channel: SetupChannel
    /// Where a later process's `start` arrives; nil where the caller itself starts the container.
    let gate: SharedDescriptor?

    /// Never returns; a failure is reported to the caller.
    consuming func run() -> Never {
        do throws(RuntimeError) {
            let setup = processSetup
            let prepared = try prepare(setup)
            try step("channel") { () throws(SystemCallError) in try channel.send(.prepared) }
            try waitForStart()
            if !configuration.spec.hooks.startContainer.isEmpty {
                let state = RuntimeState(
                    id: configuration.id, status: .created, pid: getpid(), bundle: configuration.bundle,
                    annotations: configuration.spec.annotations)
                try HookRunner.run(configuration.spec.hooks.startContainer, "startContainer", state)
            }
            try setup.finish(prepared)
        } catch {
            // Where even this fails the caller sees the channel close, and says so.
            try? channel.send(.failed(error))
            _exit(1)
        }
    }

    private var processSetup: ProcessSetup {
        ProcessSetup(
            process: configuration.spec.process ?? RuntimeProcess(args: []), request: configuration.user,
            seccomp: configuration.seccomp, preservedDescriptors: configuration.preservedDescriptors,
            parentSocket: configuration.diesWithParent ? channel.socket.rawValue : nil,
            wrapper: configuration.initProgram == nil ? [] : [ContainerConfiguration.initPath, "--"],
            makesWorkingDirectory: true)
    }

    private borrowing func prepare(_ setup: ProcessSetup) throws(RuntimeError) -> ProcessSetup.Prepared {
        let spec = configuration.spec
        try protect()
        try joinGroups()
        setsid()
        umask(0)
        try ProcessSetup.prepareOutside(setup.process)
        try nameHost(spec)
        try Sysctls.apply(spec.linux.sysctl)
        let files = try FilesystemSetup(configuration, mounts)
        try files.mountAll()
        try DeviceSetup.make(files.root, spec)
        try installStreams(files.root)
        try runHooks(spec)
        try files.changeRoot()
        try PathRestrictions.protect(spec.linux.readonlyPaths)
        try PathRestrictions.mask(spec.linux.maskedPaths)
        try step("session keyring") { () throws(SystemCallError) in
            do throws(SystemCallError) { try joinNewSessionKeyring() } catch  where error.errno == ENOSYS {}
        }
        umask(0o022)
        let prepared = try setup.prepare()
        if spec.root?.readonly == true {
            try step("read-only root") { () throws(SystemCallError) in
                try changeMount(at: "/", set: .readOnly)
            }
        }
        return prepared
    }

    /// Until its credentials change for good, nothing of the container may look into this process, which has seen the
    /// host; and it must not outlive a caller that died.
    private borrowing func protect() throws(RuntimeError) {
        try step("process") { () throws(SystemCallError) in try setDumpable(false) }
        if configuration.diesWithParent { try SetupChannel.dieWithParent(channel.socket.rawValue) }
    }

    private borrowing func joinGroups() throws(RuntimeError) {
        try GroupMembership.join(membership)
        for (kind, descriptor) in joined {
            try step("joining the \(kind.rawValue) namespace") { () throws(SystemCallError) in
                try joinNamespaces(descriptor.rawValue, kind.flag)
            }
        }
        // Only now: the namespace's root is the group that the process is in.
        if configuration.spec.linux.namespaces.contains(where: { $0.kind == .cgroup && $0.path == nil }) {
            try step("cgroup namespace") { () throws(SystemCallError) in try unshareNamespaces(.cgroup) }
        }
    }

    private borrowing func nameHost(_ spec: RuntimeSpec) throws(RuntimeError) {
        if let name = spec.hostname, !name.isEmpty {
            try step("hostname") { () throws(SystemCallError) in try setHostname(name) }
        }
        if let name = spec.domainname, !name.isEmpty {
            try step("domainname") { () throws(SystemCallError) in try setDomainname(name) }
        }
    }

    private borrowing func installStreams(_ root: borrowing RootTree) throws(RuntimeError) {
        switch configuration.streams {
        case .inherit: return
        case .descriptors(let input, let output, let error):
            try StreamSetup.install(input: input, output: output, error: error)
        case .console(let size):
            let slave = try ConsoleSetup.make(
                root.descriptor.rawValue, size: size, mountsConsole: true, channel)
            try StreamSetup.installTerminal(slave.rawValue)
        }
    }

    /// The caller runs its hooks while this process waits; then this one runs those for the container's namespaces.
    private borrowing func runHooks(_ spec: RuntimeSpec) throws(RuntimeError) {
        if !spec.hooks.prestart.isEmpty || !spec.hooks.createRuntime.isEmpty {
            try step("channel") { () throws(SystemCallError) in try channel.send(.mounted) }
            try waitToProceed(channel.socket.rawValue)
        }
        if !spec.hooks.createContainer.isEmpty {
            let state = RuntimeState(
                id: configuration.id, status: .creating, pid: getpid(), bundle: configuration.bundle,
                annotations: spec.annotations)
            try HookRunner.run(spec.hooks.createContainer, "createContainer", state)
        }
    }

    private borrowing func waitToProceed(_ socket: Int32) throws(RuntimeError) {
        let received = try step("channel") { () throws(SystemCallError) in try channel.receive() }
        guard case .proceed? = received?.message else { _exit(1) }  // the caller is gone, or gave up
    }

    private borrowing func waitForStart() throws(RuntimeError) {
        guard let gate else { return try waitToProceed(channel.socket.rawValue) }
        try StartGate.wait(gate.rawValue, replacing: channel.socket.rawValue)
    }
}

/// Gets a new process into its control group.
enum GroupMembership {
    static func join(_ membership: CgroupMembership?) throws(RuntimeError) {
        guard let files = membership?.files else { return }
        for file in files {
            try step("joining the control group") { () throws(SystemCallError) in
                try systemCall("write", "tasks") { write(file.rawValue, "0", 1) }
            }
        }
    }
}

extension RuntimeNamespace.Kind {
    /// The kernel's bit.
    var flag: NamespaceFlags {
        switch self {
        case .pid: .pid
        case .network: .network
        case .mount: .mount
        case .ipc: .ipc
        case .uts: .uts
        case .user: .user
        case .cgroup: .cgroup
        case .time: .time
        }
    }
}
