import CLinux
import Glibc
import LinuxKernel
import Synchronization

/// One thread that waits (epoll) for every shim, child, log and timer of the engine. Handlers run on it, must not block,
/// and are called until they are removed.
final class Reactor: Sendable {
    /// Names a registration; never used twice.
    struct Token: Hashable, Sendable { let number: UInt64 }

    private struct Registration {
        let descriptor: Int32
        let handler: @Sendable () -> Void
    }

    private struct State {
        var registrations: [UInt64: Registration] = [:]
        var timers: [UInt64: (deadline: Int64, action: @Sendable () -> Void)] = [:]
        var last: UInt64 = 0
        var isStopped = false
    }

    private let epoll: SharedDescriptor
    private let wake: SharedDescriptor
    private let state = Mutex(State())
    private static let wakeToken: UInt64 = 0

    /// Starts the thread.
    init() throws(EngineError) {
        do throws(SystemCallError) {
            epoll = SharedDescriptor(
                Descriptor(owning: try rawCall("epoll_create1") { skiff_epoll_create() }))
            wake = SharedDescriptor(Descriptor(owning: try rawCall("eventfd") { skiff_eventfd() }))
            try Self.watch(epoll.rawValue, wake.rawValue, Self.wakeToken)
        } catch {
            throw EngineError(.systemCallFailed, "cannot start the event thread: \(error)", cause: error)
        }
        guard startDetachedThread(stackSize: 512 << 10, { self.loop() }) else {
            throw EngineError(.systemCallFailed, "cannot start the event thread: out of threads")
        }
    }

    /// Calls `handler` whenever `descriptor` is readable or at its end. The descriptor has to stay open until `remove`.
    func add(_ descriptor: Int32, _ handler: @escaping @Sendable () -> Void) throws(SystemCallError) -> Token
    {
        let number = state.withLock { state in
            state.last += 1
            state.registrations[state.last] = Registration(descriptor: descriptor, handler: handler)
            return state.last
        }
        do throws(SystemCallError) {
            try Self.watch(epoll.rawValue, descriptor, number)
        } catch {
            state.withLock { _ = $0.registrations.removeValue(forKey: number) }
            throw error
        }
        return Token(number: number)
    }

    /// No call of the handler begins afterwards, except on the reactor's own thread for one that runs now.
    func remove(_ token: Token) {
        let registration = state.withLock { $0.registrations.removeValue(forKey: token.number) }
        guard let registration else { return }
        _ = skiff_epoll_control(
            epoll.rawValue, Int32(SKIFF_EPOLL_REMOVE), registration.descriptor, 0, 0)
    }

    /// Calls `action` once, `milliseconds` from now, unless cancelled.
    func schedule(after milliseconds: Int64, _ action: @escaping @Sendable () -> Void) -> Token {
        let (deadline, isNever) = Self.now().addingReportingOverflow(milliseconds)
        let number = state.withLock { state in
            state.last += 1
            state.timers[state.last] = (isNever ? .max : deadline, action)
            return state.last
        }
        poke()
        return Token(number: number)
    }

    func cancel(_ token: Token) { state.withLock { _ = $0.timers.removeValue(forKey: token.number) } }

    /// Ends the thread.
    func stop() {
        state.withLock { $0.isStopped = true }
        poke()
    }

    private func poke() {
        var one: UInt64 = 1
        _ = write(wake.rawValue, &one, 8)
    }

    private func loop() {
        var tokens = [UInt64](repeating: 0, count: 64)
        var events = [UInt32](repeating: 0, count: 64)
        while !state.withLock({ $0.isStopped }) {
            let count = Int(
                skiff_epoll_wait(epoll.rawValue, &tokens, &events, Int32(tokens.count), timeout()))
            for token in tokens.prefix(max(0, count)) {
                if token == Self.wakeToken {
                    var counter: UInt64 = 0
                    _ = read(wake.rawValue, &counter, 8)
                } else {
                    state.withLock { $0.registrations[token]?.handler }?()
                }
            }
            runTimers()
        }
        state.withLock { state in
            state.registrations = [:]
            state.timers = [:]
        }
    }

    private func timeout() -> Int32 {
        let next = state.withLock { $0.timers.values.map(\.deadline).min() }
        guard let next else { return -1 }
        return Int32(clamping: max(0, next - Self.now()))
    }

    private func runTimers() {
        let now = Self.now()
        let due = state.withLock { state in
            let due = state.timers.filter { $0.value.deadline <= now }
            for number in due.keys { state.timers.removeValue(forKey: number) }
            return due.values.sorted { $0.deadline < $1.deadline }
        }
        for timer in due { timer.action() }
    }

    private static func watch(_ epoll: Int32, _ descriptor: Int32, _ number: UInt64) throws(SystemCallError) {
        let events = SKIFF_EPOLL_IN | SKIFF_EPOLL_READ_HANG_UP
        try rawCall("epoll_ctl") {
            skiff_epoll_control(epoll, Int32(SKIFF_EPOLL_ADD), descriptor, events, number)
        }
    }

    /// Milliseconds of the monotonic clock, rounded up.
    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + (Int64(time.tv_nsec) + 999_999) / 1_000_000
    }
}
