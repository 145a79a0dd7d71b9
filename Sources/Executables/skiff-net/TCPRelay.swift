import Glibc
import LinuxKernel

/// One client's connection and the one to the container, with bytes going both ways.
///
/// A side is only read while what was read before has been written to the other: a slow reader slows its writer down,
/// and a connection that has nothing to say takes no buffer.
final class TCPRelay: EventHandler {
    /// Reads of one turn; then others come first.
    private static let turns = 8

    /// Bytes from one socket to the other.
    private struct Flow {
        let source: Int32
        let destination: Int32
        /// Read but not written yet.
        var pending: [UInt8] = []
        var position = 0
        var isReadable = false
        var isWritable = false
        var hasEnded = false
        /// The end was passed on: nothing will flow this way any more.
        var isDone = false

        init(from source: Int32, to destination: Int32) {
            self.source = source
            self.destination = destination
        }
    }

    private enum Progress {
        case waits, goesOn, failed
    }

    private let client: SharedDescriptor
    private let container: SharedDescriptor
    private let loop: EventLoop
    private var forth: Flow
    private var back: Flow
    private var isConnected = false
    private var isClosed = false
    private let onEnd: (TCPRelay) -> Void

    /// - Parameter onEnd: called once, when both sockets are closed
    init(
        _ client: consuming Descriptor, to target: SocketAddress, _ loop: EventLoop,
        onEnd: @escaping (TCPRelay) -> Void
    ) throws(SystemCallError) {
        let accepted = SharedDescriptor(client)
        self.client = accepted
        self.loop = loop
        self.onEnd = onEnd
        let family = target.family
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let made = socket(family, kind, 0)
        container = SharedDescriptor(Descriptor(owning: made))
        forth = Flow(from: accepted.rawValue, to: made)
        back = Flow(from: made, to: accepted.rawValue)
        guard made >= 0 else {
            let error = errno
            resetOnClose(accepted.rawValue)
            throw SystemCallError(call: "socket", errno: error)
        }
        for descriptor in [accepted.rawValue, made] {
            setSocketOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            setSocketOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        }
        let failure = target.connect(made)
        guard failure == 0 else {
            resetOnClose(accepted.rawValue)
            throw SystemCallError(call: "connect", errno: failure)
        }
    }

    func start() throws(SystemCallError) {
        do throws(SystemCallError) {
            try loop.add(client.rawValue, self)
            try loop.add(container.rawValue, self)
        } catch {
            abort()
            throw error
        }
    }

    func handle(_ events: Events, on descriptor: Int32) {
        guard !isClosed else { return }
        let isClient = descriptor == client.rawValue
        if !isClient, !isConnected {
            guard finishConnecting(events) else { return }
        }
        let canRead = !events.isDisjoint(with: [.read, .peerClosed, .hangUp])
        if isClient {
            forth.isReadable = forth.isReadable || canRead
            back.isWritable = back.isWritable || events.contains(.write)
        } else {
            back.isReadable = back.isReadable || canRead
            forth.isWritable = forth.isWritable || events.contains(.write)
        }
        // A client that is gone altogether is not worth a connection that is still being made.
        if isClient, !isConnected, events.contains(.hangUp) { return abort() }
        move()
    }

    private func finishConnecting(_ events: Events) -> Bool {
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(container.rawValue, SOL_SOCKET, SO_ERROR, &error, &length)
        guard error == 0 else {
            abort()
            return false
        }
        isConnected = events.contains(.write)
        return isConnected
    }

    private func move() {
        guard isConnected, !isClosed else { return }
        var goesOn = false
        for flow in [\TCPRelay.forth, \TCPRelay.back] {
            switch advance(&self[keyPath: flow]) {
            case .waits: continue
            case .goesOn: goesOn = true
            case .failed: return abort()
            }
        }
        if forth.isDone, back.isDone { return finish() }
        if goesOn { loop.later { [weak self] in self?.move() } }
    }

    private func advance(_ flow: inout Flow) -> Progress {
        for _ in 0..<Self.turns {
            if flow.isDone { return .waits }
            guard drain(&flow) else { return .failed }
            guard flow.pending.isEmpty else { return .waits }
            if flow.hasEnded {
                shutdown(flow.destination, Int32(SHUT_WR))
                flow.isDone = true
                return .waits
            }
            guard flow.isReadable else { return .waits }
            let count = recv(flow.source, loop.scratch.baseAddress, loop.scratch.count, 0)
            if count == 0 {
                flow.hasEnded = true
            } else if count < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN else { return .failed }
                flow.isReadable = false
                return .waits
            } else {
                guard write(UnsafeRawBufferPointer(rebasing: loop.scratch[0..<count]), &flow) else {
                    return .failed
                }
            }
        }
        return .goesOn
    }

    /// Writes what the destination takes and keeps the rest.
    private func write(_ bytes: UnsafeRawBufferPointer, _ flow: inout Flow) -> Bool {
        guard let sent = trySend(bytes, &flow) else { return false }
        if sent < bytes.count { flow.pending = Array(bytes[sent...]) }
        return true
    }

    /// Writes what was kept. False where the destination is gone.
    private func drain(_ flow: inout Flow) -> Bool {
        guard !flow.pending.isEmpty, flow.isWritable else { return true }
        let kept = flow.pending
        let position = flow.position
        let sent = kept.withUnsafeBytes { trySend(UnsafeRawBufferPointer(rebasing: $0[position...]), &flow) }
        guard let sent else { return false }
        flow.position += sent
        if flow.position == flow.pending.count {
            flow.pending = []
            flow.position = 0
        }
        return true
    }

    /// How much went; nil where the destination is gone.
    private func trySend(_ bytes: UnsafeRawBufferPointer, _ flow: inout Flow) -> Int? {
        var sent = 0
        while sent < bytes.count {
            let count = send(
                flow.destination, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL)
            )
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                flow.isWritable = false
                return sent
            } else if errno != EINTR {
                return nil
            }
        }
        return sent
    }

    /// Ends both sides in disorder.
    func abort() {
        guard !isClosed else { return }
        resetOnClose(client.rawValue)
        resetOnClose(container.rawValue)
        finish()
    }

    private func finish() {
        guard !isClosed else { return }
        isClosed = true
        loop.remove(client.rawValue)
        loop.remove(container.rawValue)
        // The owner's reference was the last one: both sockets close with it.
        onEnd(self)
    }
}
