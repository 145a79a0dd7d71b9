import ShimProtocol
import Synchronization

/// Clients that want a container's streams before it runs. A client that has been told to go ahead, and whose stream
/// is still on its way here, is waited for, so that it misses nothing of the start.
final class AttachmentQueue: Sendable {
    private struct State {
        var reserved: Set<UInt64> = []
        var last: UInt64 = 0
        var waiting: [AttachRequest] = []
        /// Whether streams go into the queue; false while the container starts or runs.
        var isOpen = true
        var settled: [OneShot<Void>] = []
    }

    private let state = Mutex(State())
    /// Milliseconds that a start waits for streams that were promised.
    private static let patience: Int64 = 2000

    func reserve() -> UInt64 {
        state.withLock { state in
            state.last += 1
            state.reserved.insert(state.last)
            return state.last
        }
    }

    /// - Returns: false where the container runs by now: the stream goes to its shim instead
    func add(_ request: AttachRequest, for reservation: UInt64) -> Bool {
        let (isTaken, settled) = state.withLock { state in
            state.reserved.remove(reservation)
            if state.isOpen { state.waiting.append(request) }
            return (state.isOpen, Self.takeSettled(&state))
        }
        for oneShot in settled { oneShot.fulfil(()) }
        return isTaken
    }

    func abandon(_ reservation: UInt64) {
        let settled = state.withLock { state in
            state.reserved.remove(reservation)
            return Self.takeSettled(&state)
        }
        for oneShot in settled { oneShot.fulfil(()) }
    }

    /// Everything that waits, once the promised streams are there; later ones go to the shim.
    func close(reactor: Reactor) async throws -> [AttachRequest] {
        let settled = OneShot<Void>()
        let mustWait = state.withLock { state in
            if state.reserved.isEmpty { return false }
            state.settled.append(settled)
            return true
        }
        if mustWait { _ = try await settled.wait(milliseconds: Self.patience, on: reactor) }
        return state.withLock { state in
            state.isOpen = false
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// The container runs: streams go to its shim.
    func shut() { state.withLock { $0.isOpen = false } }

    /// The container does not run any more: clients wait for the next start.
    func open() { state.withLock { $0.isOpen = true } }

    /// Ends the clients that wait.
    func clear() { state.withLock { $0.waiting = [] } }

    private static func takeSettled(_ state: inout State) -> [OneShot<Void>] {
        guard state.reserved.isEmpty else { return [] }
        defer { state.settled = [] }
        return state.settled
    }
}
