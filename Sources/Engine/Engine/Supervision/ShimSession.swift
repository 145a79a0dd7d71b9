import Glibc
import LinuxKernel
import ShimProtocol
import Synchronization

/// The conversation with one shim. Replies resume who asked; events come in order through `events`, which ends when
/// the shim has gone.
final class ShimSession: Sendable {
    private struct State {
        var replies: [UInt64: CheckedContinuation<ShimReply, any Error>] = [:]
        var last: UInt64 = 0
        var isEnded = false
        var token: Reactor.Token?
    }

    let folder: String
    let events: AsyncStream<ShimEvent>
    /// Fulfilled when the connection has ended: nothing of the shim is left but perhaps its zombie.
    let ended = OneShot<Void>()

    private let connection: ShimConnection
    private let reactor: Reactor
    private let pool: BlockingPool
    private let state = Mutex(State())
    private let continuation: AsyncStream<ShimEvent>.Continuation
    /// Sees each event first, on the reactor's thread: what must be known before the next reply is.
    private let observer: @Sendable (ShimEvent) -> Void

    /// - Parameter observer: called on the reactor's thread; must not block
    init(
        _ connection: ShimConnection, folder: String, reactor: Reactor, pool: BlockingPool,
        observer: @escaping @Sendable (ShimEvent) -> Void
    ) throws(SystemCallError) {
        self.connection = connection
        self.folder = folder
        self.reactor = reactor
        self.pool = pool
        self.observer = observer
        (events, continuation) = AsyncStream.makeStream(of: ShimEvent.self)
        // Strong until the end of the connection: a session lives as long as its shim.
        let token = try reactor.add(connection.descriptor) { self.receive() }
        state.withLock { $0.token = token }
        // The connection may have ended before its token was known.
        if state.withLock({ $0.isEnded }) { reactor.remove(token) }
    }

    /// How long a shim may take to answer, in seconds.
    static let patience: Int64 = 60

    /// Sends a request and waits for its reply.
    /// - Throws: `ShimError`: what the shim reports, or `.disconnected`, `.timedOut`
    @discardableResult
    func request(_ request: ShimRequest, seconds: Int64 = patience) async throws -> ShimReply {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        let timer = reactor.schedule(after: seconds * 1000) { [weak self] in
            self?.resume(
                number, .failure(ShimError(.timedOut, "the shim has not answered for \(seconds) seconds")))
        }
        defer { reactor.cancel(timer) }
        let reply = try await withCheckedThrowingContinuation { continuation in
            let isEnded = state.withLock { state in
                if !state.isEnded { state.replies[number] = continuation }
                return state.isEnded
            }
            if isEnded { return continuation.resume(throwing: Self.gone) }
            transmit(request, number)
        }
        if case .failed(let error) = reply { throw error }
        return reply
    }

    private static let gone = ShimError(.disconnected, "the container's shim has gone")

    /// Sends at once where there is room; a shim that does not read must not hold a thread of Swift's pool.
    private func transmit(_ request: ShimRequest, _ number: UInt64) {
        var entry = pollfd(fd: connection.descriptor, events: Int16(POLLOUT), revents: 0)
        if poll(&entry, 1, 0) == 1 {
            send(request, number)
        } else {
            pool.submit { self.send(request, number) }
        }
    }

    private func send(_ request: ShimRequest, _ number: UInt64) {
        do throws(ShimError) {
            try connection.send(request, id: number)
        } catch {
            resume(number, .failure(error))
        }
    }

    private func resume(_ number: UInt64, _ result: Result<ShimReply, any Error>) {
        state.withLock { $0.replies.removeValue(forKey: number) }?.resume(with: result)
    }

    private func receive() {
        do throws(ShimError) {
            let (messages, isEnded) = try connection.receiveAvailable()
            for message in messages {
                switch message {
                case .reply(let id, let reply): resume(id, .success(reply))
                case .event(let event):
                    observer(event)
                    continuation.yield(event)
                }
            }
            if isEnded { end() }
        } catch {
            continuation.yield(.warning("the conversation with the shim broke: \(error.message)"))
            end()
        }
    }

    private func end() {
        let (token, replies) = state.withLock { state in
            state.isEnded = true
            defer {
                state.token = nil
                state.replies = [:]
            }
            return (state.token, state.replies)
        }
        if let token { reactor.remove(token) }
        for continuation in replies.values { continuation.resume(throwing: Self.gone) }
        continuation.finish()
        ended.fulfil(())
    }

    /// Lets the shim go on without this engine.
    func abandon() { end() }
}
