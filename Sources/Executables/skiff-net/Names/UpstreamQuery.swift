import DNS
import Glibc
import LinuxKernel

/// One query with other servers: asked in turn, the next one when one fails or takes too long; whichever answers first
/// decides. Each attempt has a socket of its own, connected, at a port that the kernel chose.
final class UpstreamQuery: EventHandler {
    /// Milliseconds after which the next server is asked too. The C libraries wait five seconds in all.
    private static let patience = 1_250
    /// Messages of one turn; then others come first.
    private static let messagesPerTurn = 32

    private struct Attempt {
        let socket: SharedDescriptor
        let server: SocketAddress
        /// Over TCP: what is not sent yet, and what has come so far, lengths included.
        var output: [UInt8] = []
        var input: [UInt8] = []
    }

    private enum Progress {
        case waits, failed
        case message([UInt8])
    }

    /// For whom it is.
    var resolver: ObjectIdentifier?
    private let query: ForwardedQuery
    private let isStream: Bool
    private let loop: EventLoop
    private unowned let upstream: Upstream
    private let onEnd: (UpstreamQuery, [UInt8]) -> Void
    private var servers: ArraySlice<SocketAddress>
    private var attempts: [Int32: Attempt] = [:]
    /// A server's word that it could not tell; the client gets it where no other server can either.
    private var failure: [UInt8]?
    private var deadline = 0
    private var isClosed = false

    /// - Parameter onEnd: called once, with what the client gets
    init(
        _ query: Query, isStream: Bool, _ servers: [SocketAddress], _ loop: EventLoop, _ upstream: Upstream,
        onEnd: @escaping (UpstreamQuery, [UInt8]) -> Void
    ) {
        self.query = ForwardedQuery(query, id: UInt16.random(in: 0...UInt16.max))
        self.isStream = isStream
        self.servers = servers[...]
        self.loop = loop
        self.upstream = upstream
        self.onEnd = onEnd
    }

    func start() {
        if !isClosed { askNext() }
    }

    /// Looks whether it is time for the next server, or for giving up.
    func tick(_ now: Int) {
        guard !isClosed, deadline > 0, now >= deadline else { return }
        for attempt in attempts.values { upstream.note(attempt.server, answered: false) }
        if servers.isEmpty { finish(nil) } else { askNext() }
    }

    private func askNext() {
        while let server = servers.popFirst() {
            if open(server) {
                deadline = EventLoop.milliseconds + Self.patience
                return
            }
            servers.removeAll { $0 == server }
        }
        // Others that were asked before may still answer, until the deadline.
        if attempts.isEmpty { finish(nil) }
    }

    private func open(_ server: SocketAddress) -> Bool {
        let type = isStream ? SOCK_STREAM : SOCK_DGRAM
        let kind = Int32(type.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let made = socket(server.family, kind, 0)
        guard made >= 0 else { return false }
        var attempt = Attempt(socket: SharedDescriptor(Descriptor(owning: made)), server: server)
        guard server.connect(made) == 0 else { return false }
        let message = query.message
        if isStream {
            attempt.output = [UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message
        } else if send(made, message, message.count, Int32(MSG_NOSIGNAL)) < 0 {
            return false
        }
        guard (try? loop.add(made, self)) != nil else { return false }
        attempts[made] = attempt
        return true
    }

    func handle(_ events: Events, on descriptor: Int32) {
        for _ in 0..<Self.messagesPerTurn {
            guard !isClosed, attempts[descriptor] != nil else { return }
            switch isStream ? stream(events, descriptor) : datagram(descriptor) {
            case .waits: return
            case .failed: return drop(descriptor)
            case .message(let message): read(message, descriptor)
            }
        }
        loop.later { [weak self] in self?.handle(events, on: descriptor) }
    }

    private func read(_ message: [UInt8], _ descriptor: Int32) {
        switch query.read(message) {
        case .foreign:
            // Over TCP nobody else can have sent it, so the server is broken.
            if isStream { drop(descriptor) }
        case .failure:
            failure = message
            drop(descriptor)
        case .answer:
            if let server = attempts[descriptor]?.server { upstream.note(server, answered: true) }
            finish(message)
        }
    }

    private func datagram(_ descriptor: Int32) -> Progress {
        let count = recv(descriptor, loop.scratch.baseAddress, loop.scratch.count, 0)
        guard count >= 0 else { return errno == EAGAIN || errno == EINTR ? .waits : .failed }
        return .message(Array(loop.scratch[0..<count]))
    }

    private func stream(_ events: Events, _ descriptor: Int32) -> Progress {
        guard var attempt = attempts.removeValue(forKey: descriptor) else { return .waits }
        defer { attempts[descriptor] = attempt }
        while !attempt.output.isEmpty {
            let count = send(descriptor, attempt.output, attempt.output.count, Int32(MSG_NOSIGNAL))
            guard count >= 0 else { return errno == EAGAIN || errno == EINTR ? .waits : .failed }
            attempt.output.removeFirst(count)
        }
        while true {
            let count = recv(descriptor, loop.scratch.baseAddress, loop.scratch.count, 0)
            if count < 0 { return errno == EAGAIN || errno == EINTR ? .waits : .failed }
            attempt.input += loop.scratch[0..<count]
            if attempt.input.count >= 2 {
                let length = Int(attempt.input[0]) << 8 | Int(attempt.input[1])
                if attempt.input.count >= 2 + length { return .message(Array(attempt.input[2..<2 + length])) }
            }
            if count == 0 { return .failed }
        }
    }

    /// Gives one server up: it refused, failed or said that it cannot tell.
    private func drop(_ descriptor: Int32) {
        guard let attempt = attempts.removeValue(forKey: descriptor) else { return }
        loop.remove(descriptor)
        servers.removeAll { $0 == attempt.server }
        askNext()
    }

    private func finish(_ answer: [UInt8]?) {
        guard !isClosed else { return }
        close()
        let delivered = (answer ?? failure).map { query.delivered($0, isStream: isStream) }
        onEnd(self, delivered ?? query.failed(isStream: isStream))
    }

    /// Ends without an answer.
    func close() {
        isClosed = true
        for descriptor in attempts.keys { loop.remove(descriptor) }
        attempts = [:]
    }
}
