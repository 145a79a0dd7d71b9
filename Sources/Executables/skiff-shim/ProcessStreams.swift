import Glibc
import LinuxKernel
import ShimProtocol

/// Whom the streams of a process report to.
protocol StreamsOwner: AnyObject {
    /// All output has been taken from the process, logged, and given to the clients (who may have it still queued).
    func outputDrained()
    /// Every client's session is over.
    func clientsGone()
    func clientEnded(_ id: String, execID: String?, _ reason: AttachEnd)
    func logChanged()
}

/// What flows between one process, its log and its clients.
///
/// Output goes to the log first, then to every client. A client that reads slowly gets up to `ClientStream.highWater`
/// queued for it; beyond that the process's output is not read, as with Docker, until the client has caught up or is
/// gone. After the process's end nothing is held back.
final class ProcessStreams {
    /// How long output is awaited after the process's end, in milliseconds: somebody else may have inherited the pipe.
    private static let drainTime: Int64 = 1000

    let loop: EventLoop
    let isTerminal: Bool
    let log: JSONLogWriter?
    let execID: String?
    unowned let owner: any StreamsOwner
    private let buffer: TransferBuffer
    private var outputs: [OutputSource] = []
    private(set) var input: InputSink?
    private(set) var clients: [ClientStream] = []
    /// The first client whose input ends closes the process's stdin.
    let inputEndsWithClient: Bool
    private var drainTimer: Int?
    private var isDraining = false
    /// No output will come any more.
    private(set) var isDrained = false
    private var isReleased = false

    init(
        loop: EventLoop, buffer: TransferBuffer, isTerminal: Bool, log: JSONLogWriter?, execID: String?,
        inputEndsWithClient: Bool, owner: any StreamsOwner
    ) {
        self.loop = loop
        self.buffer = buffer
        self.isTerminal = isTerminal
        self.log = log
        self.execID = execID
        self.inputEndsWithClient = inputEndsWithClient
        self.owner = owner
    }

    // MARK: Setting up

    func addOutput(_ descriptor: SharedDescriptor, _ stream: StandardStream) throws(SystemCallError) {
        outputs.append(try OutputSource(descriptor, stream, self, loop))
        updateFlow()
    }

    func setInput(_ descriptor: SharedDescriptor) throws(SystemCallError) {
        try setNonBlocking(descriptor.rawValue)
        let sink = InputSink(descriptor, isTerminal: isTerminal, loop: loop)
        sink.whenRoom = { [unowned self] in for client in clients { client.updateInterest() } }
        input = sink
        // Clients that were there before the process's terminal.
        for client in clients { client.inputAvailable() }
    }

    /// Serves a client from now on. The caller has checked that its id is not in use.
    func attach(_ request: AttachRequest) throws(ShimError) {
        let client = try ClientStream(request, self)
        clients.append(client)
        client.begin()
    }

    // MARK: Output

    func receive(from source: OutputSource) {
        let payload = buffer.payload
        switch source.read(into: payload) {
        case .bytes(let count): deliver(source.stream, count)
        case .nothing: break
        case .end: ended(source)
        }
    }

    /// Passes the first bytes of the buffer on.
    private func deliver(_ stream: StandardStream, _ count: Int) {
        if let log {
            let before = log.problem
            log.write(
                stream, UnsafeBufferPointer(rebasing: buffer.payload.bindMemory(to: UInt8.self)[..<count]))
            if log.problem != before { owner.logChanged() }
        }
        guard !clients.isEmpty else { return }
        let frame =
            isTerminal
            ? UnsafeRawBufferPointer(rebasing: buffer.payload[..<count]) : buffer.frame(stream, count)
        for client in clients where client.wants(stream) { client.send(frame) }
        updateFlow()
    }

    /// Takes output from the process only while every client can keep up.
    func updateFlow() {
        let stalled = !isDraining && clients.contains { $0.isBehind }
        for source in outputs where source.isPaused != stalled { source.isPaused = stalled }
    }

    private func ended(_ source: OutputSource) {
        source.close()
        outputs.removeAll { $0 === source }
        if let log, !outputs.contains(where: { $0.stream == source.stream }) { log.finish(source.stream) }
        if outputs.isEmpty, isDraining { finishDraining() }
    }

    /// Gives a client's queue `bytes` as one frame (or raw); for what does not come from the process just now.
    func frame(_ stream: StandardStream, _ bytes: [UInt8]) -> [UInt8] {
        isTerminal ? bytes : StreamFrame.header(stream, length: bytes.count) + bytes
    }

    // MARK: The end

    /// Takes what is still in the pipes after the process's end; bounded in time.
    func drain() {
        guard !isDraining else { return }
        isDraining = true
        input?.end()
        updateFlow()
        for source in outputs { drainNow(source) }
        if outputs.isEmpty { return finishDraining() }
        drainTimer = loop.after(Self.drainTime) { [unowned self] in
            drainTimer = nil
            for source in outputs {
                drainNow(source)
                source.close()
                log?.finish(source.stream)
            }
            outputs = []
            finishDraining()
        }
    }

    /// Reads until there is nothing, but not for ever: another writer may be faster than this.
    private func drainNow(_ source: OutputSource) {
        for _ in 0..<64 {
            let payload = buffer.payload
            switch source.read(into: payload) {
            case .bytes(let count): deliver(source.stream, count)
            case .nothing: return
            case .end: return ended(source)
            }
        }
    }

    private func finishDraining() {
        guard !isDrained else { return }
        isDrained = true
        if let drainTimer { loop.cancel(timer: drainTimer) }
        drainTimer = nil
        owner.outputDrained()
    }

    /// Lets the clients see the end, once everything is sent: the owner has told the daemon by now.
    func releaseClients() {
        isReleased = true
        // The last client's end tells the owner by itself.
        if clients.isEmpty { return owner.clientsGone() }
        for client in clients { client.finish(.drained) }
    }

    /// Gives up serving the process.
    func close() {
        for source in outputs { source.close() }
        outputs = []
        input?.end()
    }

    /// Ends every session now: the process could not be started, or time is up.
    func abandonClients() { for client in clients { client.end(.abandoned) } }

    func clientEnded(_ client: ClientStream, _ reason: AttachEnd) {
        clients.removeAll { $0 === client }
        updateFlow()
        owner.clientEnded(client.id, execID: execID, reason)
        if isReleased, clients.isEmpty { owner.clientsGone() }
    }
}

func setNonBlocking(_ descriptor: Int32) throws(SystemCallError) {
    let flags = try systemCall("fcntl") { fcntl(descriptor, F_GETFL) }
    if flags & O_NONBLOCK == 0 { try systemCall("fcntl") { fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) } }
}
