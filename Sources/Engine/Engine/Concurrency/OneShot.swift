import Synchronization

/// A value that comes once and that any number of tasks wait for, each of which may be cancelled.
final class OneShot<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var last: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Value, any Error>] = [:]
    }

    private let state = Mutex(State())

    init() {}

    var current: Value? { state.withLock { $0.value } }

    /// The first value stays; later ones are ignored.
    @discardableResult
    func fulfil(_ value: Value) -> Bool {
        let waiting: [UInt64: CheckedContinuation<Value, any Error>]? = state.withLock { state in
            guard state.value == nil else { return nil }
            state.value = value
            defer { state.waiting = [:] }
            return state.waiting
        }
        guard let waiting else { return false }
        for continuation in waiting.values { continuation.resume(returning: value) }
        return true
    }

    /// - Throws: `CancellationError` where the task is cancelled before
    func wait() async throws -> Value {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Value, any Error>? = state.withLock { state in
                    if let value = state.value { return .success(value) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiting[number] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(throwing: CancellationError())
        }
    }

    /// - Returns: nil where nothing came within the time
    func wait(milliseconds: Int64, on reactor: Reactor) async throws -> Value? {
        let race = OneShot<Value?>()
        let timer = reactor.schedule(after: milliseconds) { race.fulfil(nil) }
        defer { reactor.cancel(timer) }
        let task = Task { if let value = try? await self.wait() { race.fulfil(value) } }
        defer { task.cancel() }
        return try await race.wait()
    }
}
