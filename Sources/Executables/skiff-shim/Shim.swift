import CLinux
import Cgroups
import Glibc
import LinuxKernel
import OCIModel
import OCIRuntime
import ShimProtocol

/// One container, from its creation to its end, and everybody who has to do with it.
final class Shim {
    enum Phase {
        /// Nothing was created yet.
        case empty
        case created
        case running
        /// The process has ended; its output is being taken.
        case ending
        /// `exit.json` is written and the daemon told.
        case ended
    }

    let folder: String
    let loop: EventLoop
    let buffer = TransferBuffer()
    var phase = Phase.empty
    var links: [DaemonLink] = []
    var listener: DaemonListener?
    /// Requests for `wait` that are not answered yet.
    var waiting: [(link: DaemonLink, id: UInt64)] = []
    /// The request whose reply is sent last of all, at the end of `delete`.
    var deletion: (link: DaemonLink, id: UInt64)?

    // MARK: The container, from `create` on
    var container: Container?
    var state: ShimState?
    var exit: ExitRecord?
    var execs: [ExecSession] = []
    var endedExecs: [ExecExit] = []
    /// How the container ended, before its output is drained.
    var pendingRecord: ExitRecord?
    var logTimer: Int?
    var isLeaving = false
    /// When `phase` became `ended`, in milliseconds of the loop's clock.
    var endedAt: Int64 = 0
    /// The daemon has been told everything; only slow clients are served still.
    var hasParted = false
    /// There is a created process that never ran.
    var mustAbandon = false
    var leaveTimer: Int?

    init(folder: String, loop: EventLoop) {
        self.folder = folder
        self.loop = loop
        loop.warn = { [unowned self] in warn($0) }
        loop.whenQuiet = { [unowned self] in releaseMemory() }
    }

    /// Serves a connected daemon.
    func connect(_ socket: SharedDescriptor) {
        do throws(SystemCallError) {
            links.append(try DaemonLink(socket, self, loop))
        } catch {
            warn("cannot serve a connection: \(error)")
        }
    }

    func disconnected(_ link: DaemonLink) {
        links.removeAll { $0 === link }
        waiting.removeAll { $0.link === link }
        // A container that was never started is nobody's once its daemon is gone.
        if links.isEmpty, phase == .empty || phase == .created { abandon() }
    }

    func report(_ event: ShimEvent) { for link in links { link.send(.event(event)) } }

    func warn(_ message: String) { report(.warning(message)) }

    private func releaseMemory() {
        buffer.release()
        container?.log?.releaseMemory()
        skiff_trim_malloc()
        skiff_forget_pages()
    }

    // MARK: Requests

    func handle(_ message: ShimRequestMessage, from link: DaemonLink) {
        do throws(ShimError) {
            if let reply = try perform(try message.request.get(), message.id, link) {
                link.send(.reply(id: message.id, reply))
            }
        } catch {
            link.send(.reply(id: message.id, .failed(error)))
            // Whatever could not be created or started leaves nothing behind, the shim included.
            if case .success(.create) = message.request, phase == .empty { abandon() }
            if case .success(.start) = message.request, phase == .created { abandon() }
        }
    }

    /// - Returns: nil where the answer comes later
    private func perform(
        _ request: ShimRequest, _ id: UInt64, _ link: DaemonLink
    ) throws(ShimError) -> ShimReply? {
        switch request {
        case .create(let request): return try create(request)
        case .start: return try start()
        case .state: return .state(try currentState())
        case .wait:
            if let exit { return .exited(exit) }
            _ = try currentState()
            waiting.append((link, id))
            return nil
        case .delete(let force): return try delete(force: force, link, id)
        case .exec(let request): return try exec(request)
        case .attach(let request): try attach(request)
        case .resize(let execID, let width, let height):
            try resize(execID, RuntimeConsoleSize(height: height, width: width))
        case .signal(let execID, let number, let all): try signal(execID, number, all: all)
        case .closeStdin(let execID): try closeInput(execID)
        case .pause: try setPaused(true)
        case .resume: try setPaused(false)
        case .update(let resources): try update(resources)
        case .root:
            guard let root = try running().bareRoot else {
                throw ShimError(
                    .unsupported,
                    "there is no copy of the root filesystem without its mounts (Linux before 6.15)")
            }
            return .root(root)
        }
        return .done
    }

    // MARK: State

    func currentState() throws(ShimError) -> ShimState {
        guard var state else { throw ShimError(.wrongState, "no container was created yet") }
        state.execs = execs.filter { !$0.hasEnded }.map { RunningExec(execID: $0.id, pid: $0.pid) }
        state.endedExecs = endedExecs
        state.attachments = container?.streams.clients.map(\.id) ?? []
        for exec in execs { state.attachments += exec.streams.clients.map(\.id) }
        return state
    }

    /// Changes the state, on disk first.
    func setStatus(_ status: ShimState.Status) throws(ShimError) {
        guard var changed = state else { return }
        changed.status = status
        try changed.write(to: folder)
        state = changed
    }

    /// The container where its process runs.
    /// - Throws: `ShimError.wrongState`
    func running() throws(ShimError) -> Container {
        guard phase == .running, let container else {
            throw ShimError(.wrongState, "the container is not running")
        }
        return container
    }
}

/// What the shim holds for its container.
final class Container {
    let id: String
    let pid: Int32
    let pidfd: SharedDescriptor
    /// Until it runs: it holds the whole specification.
    var process: ContainerProcess?
    let streams: ProcessStreams
    let log: JSONLogWriter?
    let cgroup: (any Cgroup)?
    var pipes: StreamPipes?
    var consoleSize: RuntimeConsoleSize?
    var console: SharedDescriptor?
    var outOfMemory: OutOfMemoryWatch?
    /// Nil for most: hooks that run after the start and after the end.
    var hooks: LaterHooks?
    /// The root filesystem without what is mounted in it; nil where it is no overlay, or the kernel makes no such copy.
    var bareRoot: SharedDescriptor?
    /// SIGKILL was sent to it from here.
    var wasKilled = false
    var processWatch: Watch?
    private var lock: SnapshotLock?

    init(
        id: String, process: ContainerProcess, streams: ProcessStreams, log: JSONLogWriter?,
        cgroup: (any Cgroup)?, pipes: StreamPipes, lock: consuming SnapshotLock?
    ) {
        self.id = id
        pid = process.processID
        pidfd = process.pidfd
        self.process = process
        self.streams = streams
        self.log = log
        self.cgroup = cgroup
        self.pipes = pipes
        self.lock = consume lock
    }

    func recordInLock(_ pid: Int32, startTime: UInt64) throws(ShimError) {
        try lock?.record(pid, startTime: startTime)
    }

    func releaseLock() {
        if let lock = lock.take() { lock.release() }
    }
}
