import Glibc
import LinuxKernel
import OCIModel
import OCIRuntime
import ShimProtocol

/// A further process of the container with its streams. Over when the process has ended, its output is drained and its
/// clients are served; the exit code is reported before the clients see the end.
final class ExecSession: EventHandler, StreamsOwner {
    let id: String
    let pid: Int32
    let pidfd: SharedDescriptor
    private(set) var console: SharedDescriptor?
    private(set) var hasEnded = false
    /// The daemon has been told of its end; clients may still be served.
    private(set) var isOver = false
    private(set) lazy var streams = ProcessStreams(
        loop: loop, buffer: buffer, isTerminal: isTerminal, log: nil, execID: id, inputEndsWithClient: true,
        owner: self)
    private let loop: EventLoop
    private let buffer: TransferBuffer
    private let isTerminal: Bool
    private unowned let owner: Shim
    private var watch: Watch?
    private var exit: ExecExit?

    /// Starts the process.
    /// - Throws: after which nothing is left, and the clients' sockets are untouched
    init(
        _ request: ExecRequest, in container: Container, seccomp: SeccompProgram?, _ loop: EventLoop,
        _ buffer: TransferBuffer, owner: Shim
    ) throws(ShimError) {
        id = request.execID
        self.loop = loop
        self.buffer = buffer
        self.owner = owner
        isTerminal = request.process.terminal
        var pipes = try wrapped("cannot make the process's pipes") { () throws(SystemCallError) in
            try StreamPipes(
                request.process, openInput: request.openStdin, takesOutput: !request.attachments.isEmpty)
        }
        let process = try Self.start(request, in: container, seccomp, pipes)
        pid = process.processID
        pidfd = process.pidfd
        pipes.releaseTheirs()
        do throws(ShimError) {
            try connect(process, pipes)
            for attachment in request.attachments { try streams.attach(attachment) }
        } catch {
            try abandon()
            throw error
        }
    }

    private static func start(
        _ request: ExecRequest, in container: Container, _ seccomp: SeccompProgram?, _ pipes: StreamPipes
    ) throws(ShimError) -> ExecProcess {
        var configuration = ExecConfiguration(process: request.process)
        configuration.cgroup = container.cgroup
        configuration.streams = pipes.standard
        configuration.seccomp = seccomp
        configuration.diesWithParent = true
        if request.user != nil || !request.groupAdd.isEmpty {
            configuration.user = UserRequest(user: request.user ?? "", additionalGroups: request.groupAdd)
        }
        let target = container.pid
        return try started { () throws(RuntimeError) in try ExecProcess.start(configuration, in: target) }
    }

    private func connect(_ process: ExecProcess, _ pipes: StreamPipes) throws(ShimError) {
        try wrapped("cannot serve the process's streams") { () throws(SystemCallError) in
            if isTerminal {
                guard let terminal = process.takeConsole() else {
                    throw SystemCallError(call: "open", errno: ENXIO, subject: "the process's terminal")
                }
                console = terminal
                try pipes.connect(streams, console: terminal)
            } else {
                try pipes.connect(streams, console: nil)
            }
            watch = try loop.watch(pidfd.rawValue, .readable, self)
        }
    }

    /// Kills a process that cannot be served.
    private func abandon() throws(ShimError) {
        watch?.cancel()
        streams.close()
        try wrapped("cannot end the process") { () throws(SystemCallError) in
            try sendSignal(SIGKILL, toPidfd: pidfd.rawValue)
            _ = try reap(pidfd.rawValue)
        }
    }

    /// The process has ended.
    func ready(_ events: PollEvents, tag: Int) {
        do throws(SystemCallError) {
            guard let end = try reap(pidfd.rawValue, polling: true) else { return }
            exit = ExecExit(execID: id, pid: pid, code: end.code, exitedAt: .now)
        } catch {
            owner.warn("cannot learn how the exec session \(id) ended: \(error)")
            exit = ExecExit(execID: id, pid: pid, code: 255, exitedAt: .now)
        }
        hasEnded = true
        watch?.cancel()
        watch = nil
        streams.drain()
    }

    func outputDrained() {
        if let exit { owner.execEnded(self, exit) }
        isOver = true
        console = nil
        streams.releaseClients()
    }

    func clientsGone() { owner.execGone(self) }

    func clientEnded(_ id: String, execID: String?, _ reason: AttachEnd) {
        owner.clientEnded(id, execID: execID, reason)
    }

    func logChanged() {}
}
