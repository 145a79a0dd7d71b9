import DNS
import Glibc
import LinuxKernel

/// A container's connection: messages with their length before them (RFC 1035 section 4.2.2), answered in any order.
final class ResolverConnection: EventHandler {
    /// Seconds without a byte in either direction.
    private static let idleLimit = 10
    /// Queries at the same time; the next ones wait in the kernel.
    private static let waitingLimit = 8
    private static let inputLimit = 8192
    /// Reads of one turn; then others come first.
    private static let turns = 8

    private let socket: SharedDescriptor
    private weak var resolver: ContainerResolver?
    private let loop: EventLoop
    private let service: NameService
    private let onEnd: () -> Void
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    private var waiting = 0
    private var isReadable = false
    private var isWritable = true
    private var hasEnded = false
    private var isClosed = false
    private var lastUse = EventLoop.now

    /// - Parameter onEnd: called once, when the connection is closed
    init(
        _ socket: consuming Descriptor, _ resolver: ContainerResolver, _ loop: EventLoop,
        _ service: NameService,
        onEnd: @escaping () -> Void
    ) {
        self.socket = SharedDescriptor(socket)
        self.resolver = resolver
        self.loop = loop
        self.service = service
        self.onEnd = onEnd
    }

    func start() {
        // Without a place in the loop it could never be served.
        if (try? loop.add(socket.rawValue, self)) == nil { close() }
    }

    func handle(_ events: Events, on descriptor: Int32) {
        if !events.isDisjoint(with: [.read, .peerClosed, .hangUp]) { isReadable = true }
        if events.contains(.write) { isWritable = true }
        lastUse = EventLoop.now
        move()
    }

    func endIfIdle() {
        if EventLoop.now - lastUse >= Self.idleLimit { close() }
    }

    /// Answers what is there, as long as answers are taken.
    private func move() {
        for _ in 0..<Self.turns {
            guard !isClosed else { return }
            guard flush(), answerAll() else { return close() }
            if hasEnded {
                if waiting == 0, output.isEmpty { close() }
                return
            }
            guard isReadable, output.isEmpty, waiting < Self.waitingLimit, input.count < Self.inputLimit
            else {
                return
            }
            let count = recv(socket.rawValue, loop.scratch.baseAddress, Self.inputLimit, 0)
            if count > 0 {
                input += loop.scratch[0..<count]
            } else if count == 0 {
                hasEnded = true
            } else if errno == EAGAIN {
                isReadable = false
            } else if errno != EINTR {
                return close()
            }
        }
        loop.later { [weak self] in self?.move() }
    }

    /// - Returns: false where the client does not speak DNS
    private func answerAll() -> Bool {
        while input.count >= 2, waiting < Self.waitingLimit, output.isEmpty {
            let length = Int(input[0]) << 8 | Int(input[1])
            guard length <= Query.limit else { return false }
            guard input.count >= 2 + length else { return true }
            let message = Array(input[2..<2 + length])
            input.removeFirst(2 + length)
            guard let resolver else { return false }
            switch service.respond(to: message, resolver.settings.view, isStream: true) {
            case .none: return false
            case .answer(let answer):
                append(answer)
                guard flush() else { return false }
            case .forward(let query):
                waiting += 1
                service.upstream.ask(query, for: resolver, isStream: true) { [weak self] answer in
                    self?.deliver(answer)
                }
            }
        }
        return true
    }

    private func deliver(_ answer: [UInt8]) {
        guard !isClosed else { return }
        waiting -= 1
        lastUse = EventLoop.now
        append(answer)
        // Not at once: the answer may come while the query is still being taken in.
        loop.later { [weak self] in self?.move() }
    }

    private func append(_ answer: [UInt8]) {
        output += [UInt8(answer.count >> 8), UInt8(answer.count & 0xff)]
        output += answer
    }

    /// - Returns: false where the client is gone
    private func flush() -> Bool {
        while !output.isEmpty, isWritable {
            let raw = socket.rawValue
            let count = output.withUnsafeBytes { send(raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count >= 0 {
                output.removeFirst(count)
            } else if errno == EAGAIN {
                isWritable = false
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.remove(socket.rawValue)
        // The owner's reference is the last one: the socket closes with it.
        onEnd()
    }
}
