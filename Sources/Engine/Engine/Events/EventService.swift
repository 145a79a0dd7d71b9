package import OCIModel
import Synchronization

/// What happened, and what happens: Docker's `/events`.
package final class EventService: Sendable {
    private struct Subscriber {
        let filter: EventFilter
        let continuation: AsyncStream<EngineEvent>.Continuation
        /// Ends the subscription at its time.
        var timer: Reactor.Token?
    }

    private struct State {
        var history: [EngineEvent] = []
        var subscribers: [UInt64: Subscriber] = [:]
        var last: UInt64 = 0
    }

    /// As many past events are remembered as Docker remembers.
    private static let historyLimit = 256
    /// A client that lets more pile up is cut off rather than shown a stream with holes.
    private static let backlogLimit = 4096

    private let state = Mutex(State())
    private let reactor: Reactor

    init(reactor: Reactor) { self.reactor = reactor }

    /// The remembered events from `since` on (all of them, where only the end is said), then the live ones. Nothing between them is lost or doubled.
    /// - Parameters:
    ///   - since: nil for live events only
    ///   - until: nil for without end
    /// - Throws: `EngineError` for an unknown filter
    package func subscribe(since: Timestamp?, until: Timestamp?, filters: Filters) throws -> EventSequence {
        let filter = try EventFilter(filters, until: until)
        let (stream, continuation) = AsyncStream.makeStream(
            of: EngineEvent.self, bufferingPolicy: .bufferingOldest(Self.backlogLimit))
        let number = state.withLock { state in
            if since != nil || until != nil {
                let first = since ?? Timestamp(seconds: 0)
                for event in state.history where event.time >= first && filter.matches(event) {
                    continuation.yield(event)
                }
            }
            state.last += 1
            state.subscribers[state.last] = Subscriber(filter: filter, continuation: continuation)
            return state.last
        }
        continuation.onTermination = { [weak self] _ in self?.remove(number) }
        if let until { end(number, at: until) }
        return EventSequence(stream: stream)
    }

    package var listenerCount: Int { state.withLock { $0.subscribers.count } }

    func publish(
        _ kind: EngineEvent.Kind, _ action: String, _ actorID: String, _ attributes: [String: String] = [:],
        at time: Timestamp = .now
    ) {
        let event = EngineEvent(
            kind: kind, action: action, actorID: actorID, attributes: attributes, time: time)
        let behind = state.withLock { state in
            state.history.append(event)
            if state.history.count > Self.historyLimit {
                state.history.removeFirst(state.history.count - Self.historyLimit)
            }
            var behind: [AsyncStream<EngineEvent>.Continuation] = []
            for subscriber in state.subscribers.values where subscriber.filter.matches(event) {
                if case .dropped = subscriber.continuation.yield(event) {
                    behind.append(subscriber.continuation)
                }
            }
            return behind
        }
        for continuation in behind { continuation.finish() }
    }

    func finish() {
        let subscribers = state.withLock { state in
            defer { state.subscribers = [:] }
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.continuation.finish() }
    }

    private func end(_ number: UInt64, at until: Timestamp) {
        let wait = (until.totalNanoseconds - Timestamp.now.totalNanoseconds) / 1_000_000
        guard wait > 0 else { return finish(number) }
        let timer = reactor.schedule(after: wait) { [weak self] in self?.finish(number) }
        let isThere = state.withLock { state in
            state.subscribers[number]?.timer = timer
            return state.subscribers[number] != nil
        }
        if !isThere { reactor.cancel(timer) }
    }

    private func finish(_ number: UInt64) {
        state.withLock { $0.subscribers[number] }?.continuation.finish()
    }

    private func remove(_ number: UInt64) {
        let timer = state.withLock { $0.subscribers.removeValue(forKey: number)?.timer }
        if let timer { reactor.cancel(timer) }
    }
}
