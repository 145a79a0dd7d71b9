/// How long a container that has ended waits for its next start: Docker's back-off, 0.1 s doubled up to a minute.
struct RestartBackoff: Sendable, Equatable {
    /// Milliseconds.
    static let shortest: Int64 = 100
    /// Milliseconds.
    static let longest: Int64 = 60_000
    /// Nanoseconds after which a run is no failed attempt any more.
    static let settled: Int64 = 10_000_000_000

    /// Milliseconds; 0 before the first.
    private(set) var delay: Int64 = 0

    /// - Parameter nanoseconds: how long the run that has ended went on
    /// - Returns: milliseconds to wait
    mutating func next(afterRunOf nanoseconds: Int64) -> Int64 {
        if nanoseconds >= Self.settled { delay = 0 }
        delay = delay == 0 ? Self.shortest : min(delay * 2, Self.longest)
        return delay
    }

    mutating func reset() { delay = 0 }
}

extension RestartPolicy {
    /// Whether a container that has ended is started again.
    /// - Parameters:
    ///   - count: restarts since the last start by hand
    ///   - isStopped: whether somebody stopped it
    func restarts(afterExit code: Int32, count: Int, isStopped: Bool) -> Bool {
        if isStopped { return false }
        switch self {
        case .no: return false
        case .always, .unlessStopped: return true
        case .onFailure(let maximum): return code != 0 && (maximum == 0 || count < maximum)
        }
    }

    /// Whether a container that had ended, and has run before, is started when the engine opens. `onFailure` is about
    /// the end alone, and that was decided when it came.
    func startsWithEngine(isStopped: Bool) -> Bool {
        switch self {
        case .no, .onFailure: false
        case .always: true
        case .unlessStopped: !isStopped
        }
    }
}
