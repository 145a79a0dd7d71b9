import Glibc
import LinuxKernel
import ShimProtocol

/// One attached client: its socket, what waits to be sent to it, and what it types.
final class ClientStream: EventHandler {
    /// Bytes queued above which the process's output is held back, and below which it goes on.
    static let highWater = 1 << 20
    static let lowWater = 256 << 10
    /// How much is read of the log at a time for a replay.
    private static let replayStep = 65536

    let id: String
    private let socket: SharedDescriptor
    private let wantsOutput: Bool
    private let wantsError: Bool
    private let wantsInput: Bool
    private let isLive: Bool
    private unowned let streams: ProcessStreams
    private var matcher: DetachKeyMatcher
    private var watch: Watch?
    private var queue = ByteQueue()
    /// Not nil while the client gets the log; it takes live output from where that ends.
    private var replay: LogReplay?
    private var early: [UInt8]
    private var inputEnded = false
    private var earlyEnd: Bool
    private var wasBehind = false
    /// Why the session ends as soon as everything is sent.
    private var finishing: AttachEnd?
    /// The client is gone, with input left that the process has no room for.
    private var hasLeft = false
    private var isEnded = false
    /// When the client took something last (or was given the first thing to take).
    private(set) var lastProgress = EventLoop.now

    init(_ request: AttachRequest, _ streams: ProcessStreams) throws(ShimError) {
        id = request.id
        socket = request.socket
        wantsOutput = request.stdout
        wantsError = request.stderr
        wantsInput = request.stdin
        isLive = request.stream
        self.streams = streams
        matcher = DetachKeyMatcher(streams.isTerminal ? request.detachKeys : [])
        early = request.buffered
        earlyEnd = request.inputEnded
        queue.append(request.preamble)
        if request.logs, let log = streams.log {
            replay = LogReplay(
                log, output: request.stdout || streams.isTerminal, error: request.stderr,
                warn: { [loop = streams.loop] in loop.warn($0) })
        }
        do throws(SystemCallError) {
            try setNonBlocking(socket.rawValue)
            watch = try streams.loop.watch(socket.rawValue, [], self)
        } catch {
            throw ShimError(.inputOutput, "cannot serve the client's stream: \(error)")
        }
        keepAlive(socket.rawValue)
    }

    /// Starts the session: replay, early input.
    func begin() {
        inputAvailable()
        pump()
    }

    /// A terminal's output is one stream, which belongs to who wants either.
    func wants(_ stream: StandardStream) -> Bool {
        guard isLive, replay == nil, finishing == nil else { return false }
        if streams.isTerminal { return wantsOutput || wantsError }
        return stream == .output ? wantsOutput : wantsError
    }

    var isBehind: Bool {
        wasBehind = queue.count > (wasBehind ? Self.lowWater : Self.highWater)
        return wasBehind
    }

    var hasUnsent: Bool { !queue.isEmpty || replay != nil }

    // MARK: To the client

    func send(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        if queue.isEmpty {
            let count = transmit(bytes)
            if isEnded || count == bytes.count { return }
            lastProgress = EventLoop.now
            rest = UnsafeRawBufferPointer(rebasing: bytes[count...])
        }
        queue.append(rest)
        updateInterest()
    }

    private func transmit(_ bytes: UnsafeRawBufferPointer) -> Int {
        let raw = socket.rawValue
        do throws(SystemCallError) {
            return try systemCall("send") {
                Glibc.send(raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
        } catch {
            if error.errno != EAGAIN { end(.disconnected) }
            return 0
        }
    }

    /// Sends what is queued, then more of the log, then ends where the session is to end.
    private func pump() {
        while !isEnded {
            if !queue.isEmpty {
                let count = queue.withFirst { transmit($0) }
                if isEnded { return }
                if count > 0 { lastProgress = EventLoop.now }
                queue.remove(count)
                if !queue.isEmpty { break }
            }
            if !refill() { break }
        }
        if isEnded { return }
        if let finishing, !hasUnsent { return end(finishing) }
        updateInterest()
        if wasBehind { streams.updateFlow() }
    }

    /// - Returns: whether something was queued
    private func refill() -> Bool {
        guard let replay else { return false }
        var added = 0
        while added < Self.replayStep, let (stream, text) = replay.next() {
            let frame = streams.frame(stream, text)
            queue.append(frame)
            added += frame.count
        }
        if added > 0 { return true }
        // From here on the client has seen what the log has; what follows is live.
        self.replay = nil
        if let log = streams.log {
            for stream in StandardStream.allCases where isLive && wants(stream) {
                let text = log.unfinishedLine(stream)
                if !text.isEmpty { queue.append(streams.frame(stream, text)) }
            }
        }
        if !isLive { finishing = finishing ?? .drained }
        return !queue.isEmpty
    }

    // MARK: From the client

    private var isReadingInput: Bool {
        guard wantsInput, !inputEnded, finishing == nil, let input = streams.input else { return false }
        return !input.isClosed && !input.isFull
    }

    /// The process's stdin is there: takes what had come before it.
    func inputAvailable() {
        guard wantsInput, streams.input != nil else { return updateInterest() }
        let bytes = early
        early = []
        if !bytes.isEmpty { bytes.withUnsafeBytes { take($0) } }
        if earlyEnd, !isEnded {
            earlyEnd = false
            endInput()
        }
        if !isEnded { updateInterest() }
    }

    func ready(_ events: PollEvents, tag: Int) {
        if events.contains(.readable) || events.contains(.hangUp), isReadingInput { readInput() }
        if isEnded { return }
        if events.contains(.hangUp) || events.contains(.error) {
            guard let input = streams.input, wantsInput, !inputEnded, input.isFull else {
                return end(.disconnected)
            }
            // What it sent before it left still belongs to the process.
            hasLeft = true
            return updateInterest()
        }
        if events.contains(.writable) { pump() }
    }

    private func readInput() {
        withUnsafeTemporaryAllocation(byteCount: 16384, alignment: 16) { buffer in
            while isReadingInput {
                let count = recv(socket.rawValue, buffer.baseAddress, buffer.count, 0)
                if count > 0 {
                    take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    if count < buffer.count { break }
                } else if count == 0 {
                    return endInput()
                } else {
                    if errno == EAGAIN || errno == EINTR { break }
                    return end(.disconnected)
                }
            }
        }
        if !isEnded { updateInterest() }
    }

    /// Hands input to the process, up to the detach keys.
    private func take(_ bytes: UnsafeRawBufferPointer) {
        let (forward, detached) = matcher.feed(bytes)
        forward.withUnsafeBytes { streams.input?.write($0) }
        if detached { end(.detached) }
    }

    /// The client sends no more. That closes the process's stdin where it belongs to this client; output goes on until
    /// the process ends or the client is gone altogether.
    private func endInput() {
        inputEnded = true
        let held = matcher.flush()
        held.withUnsafeBytes { streams.input?.write($0) }
        if streams.inputEndsWithClient, !streams.isTerminal { streams.input?.close() }
        updateInterest()
    }

    // MARK: The session

    func updateInterest() {
        guard !isEnded else { return }
        if hasLeft {
            watch?.events = isReadingInput ? .readable : nil
            return
        }
        var events: PollEvents = []
        if isReadingInput { events.insert(.readable) }
        if !queue.isEmpty { events.insert(.writable) }
        watch?.events = events
    }

    /// Ends the session when everything is sent.
    func finish(_ reason: AttachEnd) {
        guard finishing == nil else { return }
        finishing = reason
        lastProgress = EventLoop.now
        pump()
    }

    /// A socket that is closed with something unread in it is reset: the client, who sent what nobody wants any more,
    /// would get an error in the place of the end.
    private func discardInput() {
        withUnsafeTemporaryAllocation(byteCount: 16384, alignment: 16) { buffer in
            while recv(socket.rawValue, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) > 0 {}
        }
    }

    /// Ends the session now.
    func end(_ reason: AttachEnd) {
        guard !isEnded else { return }
        isEnded = true
        // A client that vanished sends no more either.
        if reason == .disconnected, wantsInput, !inputEnded, streams.inputEndsWithClient {
            streams.input?.close()
        }
        watch?.cancel()
        watch = nil
        replay = nil
        queue.removeAll()
        // The daemon may still hold its copy: only this ends the stream for the client.
        shutdown(socket.rawValue, Int32(SHUT_RDWR))
        discardInput()
        streams.clientEnded(self, reason)
    }
}

/// Notices a client on another machine that has vanished (no effect on unix sockets).
private func keepAlive(_ socket: Int32) {
    var on: Int32 = 1
    setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<Int32>.size))
}
