import Cgroups
import Glibc
import LinuxKernel
import OCIModel
import OCIRuntime
import ShimProtocol

/// Requests about processes that run.
extension Shim {
    /// How many ended execs a daemon that reconnects is told about.
    private static let rememberedExecs = 64

    func exec(_ request: ExecRequest) throws(ShimError) -> ShimReply {
        let container = try running()
        if state?.status == .paused { throw ShimError(.wrongState, "the container is paused") }
        guard !execs.contains(where: { $0.id == request.execID }) else {
            throw ShimError(.conflict, "the exec session \(request.execID) exists already")
        }
        for attachment in request.attachments { try checkFree(attachment.id) }
        let session = try ExecSession(
            request, in: container, seccomp: try seccompProgram(request.seccompProgram), loop, buffer,
            owner: self)
        execs.append(session)
        return .execStarted(pid: session.pid)
    }

    func execEnded(_ session: ExecSession, _ exit: ExecExit) {
        endedExecs.append(exit)
        if endedExecs.count > Self.rememberedExecs { endedExecs.removeFirst() }
        report(.execExited(exit))
    }

    func execGone(_ session: ExecSession) {
        execs.removeAll { $0 === session }
        leaveWhenServed()
    }

    func attach(_ request: AttachRequest) throws(ShimError) {
        try checkFree(request.id)
        if let execID = request.execID { return try session(execID).streams.attach(request) }
        guard phase == .created || phase == .running, let container else {
            throw ShimError(.wrongState, "the container is not running")
        }
        try container.streams.attach(request)
    }

    private func checkFree(_ id: String) throws(ShimError) {
        guard try !currentState().attachments.contains(id) else {
            throw ShimError(.conflict, "the attach stream \(id) exists already")
        }
    }

    private func session(_ id: String) throws(ShimError) -> ExecSession {
        guard let session = execs.first(where: { $0.id == id }), !session.hasEnded else {
            throw ShimError(.notFound, "no exec session \(id) is running")
        }
        return session
    }

    func resize(_ execID: String?, _ size: RuntimeConsoleSize) throws(ShimError) {
        let console: SharedDescriptor?
        if let execID {
            console = try session(execID).console
        } else {
            guard let container, phase == .created || phase == .running else {
                throw ShimError(.wrongState, "the container is not running")
            }
            // Before the start there is no terminal yet; it comes into being with this size.
            container.consoleSize = size
            console = container.console
            if phase == .created, container.streams.isTerminal { return }
        }
        guard let console else { throw ShimError(.invalidValue, "the process has no terminal") }
        try wrapped("cannot resize the terminal") { () throws(SystemCallError) in
            try setTerminalSize(console.rawValue, rows: size.height, columns: size.width)
        }
    }

    func signal(_ execID: String?, _ number: Int32, all: Bool) throws(ShimError) {
        guard (1...64).contains(number) else { throw ShimError(.invalidValue, "\(number) is no signal") }
        if let execID { return try send(number, try session(execID).pidfd) }
        let container = try running()
        if number == SIGKILL { container.wasKilled = true }
        if all, let cgroup = container.cgroup {
            return try controlled { () throws(CgroupError) in try cgroup.signalAll(number) }
        }
        try send(number, container.pidfd)
    }

    private func send(_ number: Int32, _ pidfd: SharedDescriptor) throws(ShimError) {
        do throws(SystemCallError) {
            try sendSignal(number, toPidfd: pidfd.rawValue)
        } catch {
            if error.errno == ESRCH { throw ShimError(.notFound, "the process has ended") }
            throw ShimError(.inputOutput, "cannot send signal \(number): \(error)")
        }
    }

    func closeInput(_ execID: String?) throws(ShimError) {
        let streams = if let execID { try session(execID).streams } else { try running().streams }
        streams.input?.close()
    }

    func setPaused(_ paused: Bool) throws(ShimError) {
        let container = try running()
        guard let cgroup = container.cgroup else {
            throw ShimError(.unsupported, "a container without a control group cannot be paused")
        }
        if (state?.status == .paused) == paused {
            throw ShimError(
                .wrongState, paused ? "the container is paused already" : "the container is not paused")
        }
        try controlled { () throws(CgroupError) in try cgroup.setFrozen(paused) }
        try setStatus(paused ? .paused : .running)
    }

    func update(_ resources: RuntimeResources) throws(ShimError) {
        guard let cgroup = try running().cgroup else {
            throw ShimError(.unsupported, "a container without a control group has no limits")
        }
        try controlled { () throws(CgroupError) in try cgroup.apply(resources) }
    }
}
