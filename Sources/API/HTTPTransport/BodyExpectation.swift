import Synchronization

/// A client that waits to be told that its body is wanted (`Expect: 100-continue`, RFC 9110, section 10.1.1): it is told
/// when somebody begins to read, and not at all where the answer comes first.
final class BodyExpectation: Sendable {
    private enum State { case waiting, met, forgone }

    private let state = Mutex(State.waiting)
    /// Sends the provisional answer; called once at most, from any thread.
    private let meet: @Sendable () -> Void

    init(meet: @escaping @Sendable () -> Void) { self.meet = meet }

    /// The body is wanted.
    /// - Returns: false where the client has been told otherwise, so that there is nothing to wait for
    func wantBody() -> Bool {
        let (isFirst, isWanted) = state.withLock { state in
            defer { if state == .waiting { state = .met } }
            return (state == .waiting, state != .forgone)
        }
        if isFirst { meet() }
        return isWanted
    }

    /// The answer goes out now. Whether a body follows a request that was answered so is the client's choice: nothing but
    /// the connection's end can be relied on.
    /// - Returns: whether the body was not asked for
    @discardableResult
    func forgo() -> Bool {
        state.withLock { state in
            if state == .waiting { state = .forgone }
            return state == .forgone
        }
    }

    var isForgone: Bool { state.withLock { $0 == .forgone } }
}
