import Cgroups
import Glibc
import LinuxKernel
import OCIModel
import OCIRuntime
import ShimProtocol

extension Shim {
    /// Prepares the container up to its program's exec. What was made is undone where a later step fails.
    func create(_ request: CreateRequest) throws(ShimError) -> ShimReply {
        guard phase == .empty else { throw ShimError(.wrongState, "the container was created already") }
        guard let process = request.spec.process else {
            throw ShimError(.invalidValue, "the runtime specification has no process", exitCode: 125)
        }
        let lock: SnapshotLock? = if let path = request.lockPath { try SnapshotLock.take(path) } else { nil }
        let log: JSONLogWriter? = if let wanted = request.log { try JSONLogWriter(wanted) } else { nil }
        let streams = ProcessStreams(
            loop: loop, buffer: buffer, isTerminal: process.terminal, log: log, execID: nil,
            inputEndsWithClient: request.stdinOnce, owner: self)
        let pipes = try wrapped("cannot make the container's pipes") { () throws(SystemCallError) in
            try StreamPipes(process, openInput: request.openStdin, takesOutput: true)
        }
        let cgroup = try makeCgroup(request.spec)
        do throws(ShimError) {
            let child = try makeProcess(request, pipes, cgroup)
            let made = Container(
                id: request.containerID, process: child, streams: streams, log: log, cgroup: cgroup,
                pipes: pipes, lock: lock)
            made.hooks = LaterHooks(request.spec)
            made.bareRoot = child.takeBareRoot()
            container = made
            mustAbandon = true
            try publish(made)
            for attachment in request.attachments { try streams.attach(attachment) }
            phase = .created
            return .created(pid: child.processID, networkNamespace: child.networkNamespace)
        } catch {
            // Undone by `abandon`, which the caller goes on with; a group without a container only here.
            if container == nil { remove(cgroup) }
            throw error
        }
    }

    private func makeCgroup(_ spec: RuntimeSpec) throws(ShimError) -> (any Cgroup)? {
        guard let path = spec.linux.cgroupsPath else { return nil }
        return try controlled { () throws(CgroupError) in
            try CgroupHost.discover().create(path, spec.linux.resources)
        }
    }

    private func makeProcess(
        _ request: CreateRequest, _ pipes: StreamPipes, _ cgroup: (any Cgroup)?
    ) throws(ShimError) -> ContainerProcess {
        var configuration = ContainerConfiguration(
            id: request.containerID, spec: request.spec, rootFilesystem: request.root.forRuntime)
        configuration.mountSources = request.mountSources
        configuration.cgroup = cgroup
        configuration.streams = pipes.standard
        configuration.diesWithParent = true
        configuration.keepsBareRoot = true
        configuration.bundle = folder
        // By its path: what this process runs from is a mount that exists nowhere (`ProtectedExecutable`).
        if request.useInit { configuration.initProgram = CommandLine.arguments[0] }
        if request.user != nil || !request.groupAdd.isEmpty {
            configuration.user = UserRequest(user: request.user ?? "", additionalGroups: request.groupAdd)
        }
        configuration.seccomp = try seccompProgram(request.seccompProgram)
        return try started { () throws(RuntimeError) in try ContainerProcess.create(configuration) }
    }

    /// Makes the container known: in the lock, on disk, on the socket. Nobody is told before.
    private func publish(_ container: Container) throws(ShimError) {
        let pid = container.pid
        guard let startTime = processStartTime(pid) else {
            try started { () throws(RuntimeError) in
                if let failure = container.process?.failure() { throw failure }
            }
            throw ShimError(
                .cannotStart, "the container's process ended while it was being made", exitCode: 125)
        }
        guard let ownTime = processStartTime(getpid()) else {
            throw ShimError(.cannotStart, "/proc/\(getpid())/stat cannot be read", exitCode: 125)
        }
        try container.recordInLock(pid, startTime: startTime)
        let made = ShimState(
            containerID: container.id, status: .created, shimPid: getpid(), shimStartTime: ownTime, pid: pid,
            pidStartTime: startTime, createdAt: .now)
        try made.write(to: folder)
        state = made
        try wrapped("cannot listen for the daemon") { () throws(SystemCallError) in
            listener = try DaemonListener(folder: folder, loop) { [unowned self] in connect($0) }
        }
    }

    /// Executes the program.
    func start() throws(ShimError) -> ShimReply {
        guard phase == .created, let container else {
            throw ShimError(
                .wrongState, phase == .empty ? "no container was created yet" : "the container was started")
        }
        // What a client had typed is in the pipe before the program looks.
        if !container.streams.isTerminal { try connectStreams(container) }
        try run(container)
        let now = Timestamp.now
        do throws(ShimError) {
            try follow(container, since: now)
        } catch {
            try wrapped("cannot end the container") { () throws(SystemCallError) in
                try sendSignal(SIGKILL, toPidfd: container.pidfd.rawValue)
                _ = try reap(container.pidfd.rawValue)
            }
            throw error
        }
        container.process = nil
        phase = .running
        runHooks(container, .running)
        // Not needed before the program runs, so nobody waits for it.
        loop.after(0) { [unowned self] in watchOutOfMemory() }
        return .started(pid: container.pid, at: now)
    }

    private func run(_ container: Container) throws(ShimError) {
        guard let process = container.process else { return }
        // Whatever comes of it, there is no created process any more that would have to be ended.
        mustAbandon = false
        try started { () throws(RuntimeError) in try process.start() }
    }

    /// Takes part in the life of a process that was started.
    private func follow(_ container: Container, since start: Timestamp) throws(ShimError) {
        if container.streams.isTerminal { try connectStreams(container) }
        state?.startedAt = start
        try setStatus(.running)
        try wrapped("cannot wait for the container") { () throws(SystemCallError) in
            container.processWatch = try loop.watch(container.pidfd.rawValue, .readable, self)
        }
    }

    private func connectStreams(_ container: Container) throws(ShimError) {
        guard var pipes = container.pipes else { return }
        try wrapped("cannot serve the container's streams") { () throws(SystemCallError) in
            pipes.releaseTheirs()
            guard container.streams.isTerminal else {
                return try pipes.connect(container.streams, console: nil)
            }
            guard let console = container.process?.takeConsole() else {
                throw SystemCallError(call: "open", errno: ENXIO, subject: "the container's terminal")
            }
            container.console = console
            try pipes.connect(container.streams, console: console)
            if let size = container.consoleSize, let console = container.console {
                try setTerminalSize(console.rawValue, rows: size.height, columns: size.width)
            }
        }
        container.pipes = nil
    }

    private func watchOutOfMemory() {
        guard phase == .running, let container, let cgroup = container.cgroup else { return }
        container.outOfMemory = OutOfMemoryWatch(cgroup, loop) { [unowned self] in
            state?.outOfMemory = true
            report(.outOfMemory)
        }
    }
}

extension Shim {
    /// Undoes a container that was not started, and goes.
    func abandon() {
        if let container {
            if mustAbandon { container.process?.abandon() }
            container.streams.close()
            container.streams.abandonClients()
            if let problem = remove(container.cgroup) { warn(problem) }
            container.bareRoot = nil
            container.releaseLock()
        }
        container = nil
        unlink("\(folder)/\(ShimFolder.state)")
        leave()
    }

    /// - Returns: why the group is still there
    @discardableResult
    func remove(_ cgroup: (any Cgroup)?) -> String? {
        guard let cgroup else { return nil }
        do throws(CgroupError) {
            try cgroup.remove()
            return nil
        } catch  where error.code == .notFound {
            return nil
        } catch {
            return "the control group was not removed: \(error.message)"
        }
    }

    /// Ends the shim once everything is sent, or two seconds later.
    func leave() {
        guard !isLeaving else { return }
        isLeaving = true
        listener?.close()
        listener = nil
        guard links.contains(where: \.hasUnsent) else { return loop.stop() }
        let deadline = EventLoop.now + 2000
        func check() {
            if !links.contains(where: \.hasUnsent) || EventLoop.now >= deadline { return loop.stop() }
            loop.after(5) { check() }
        }
        check()
    }

    func seccompProgram(_ path: String?) throws(ShimError) -> SeccompProgram? {
        guard let path else { return nil }
        guard let entry = SeccompCacheEntry(file: path) else {
            throw ShimError(.invalidValue, "\(path) is no compiled seccomp profile", exitCode: 125)
        }
        return entry.program
    }
}

extension ContainerRoot {
    var forRuntime: RootFilesystem {
        switch self {
        case .directory(let path): .directory(path)
        case .overlay(let lower, let upper, let work, let volatile):
            .overlay(OverlayFilesystem(lower: lower, upper: upper, work: work, volatile: volatile))
        }
    }
}
