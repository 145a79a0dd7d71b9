import Glibc
import LinuxKernel
import Synchronization

/// Runs work in order on one thread of its own: what nobody has to wait for.
final class WorkerThread: Sendable {
    private struct State {
        var work: [@Sendable () -> Void] = []
        var isEnding = false
        /// Set while the thread sleeps, so that a burst of work costs one wake-up.
        var isIdle = false
    }

    private let state = Mutex(State())
    private let wake: WakeSignal
    private let thread = PosixThread()

    init(_ wake: WakeSignal) { self.wake = wake }

    /// Starts the thread; work added earlier runs then.
    func start() throws(SystemCallError) {
        try thread.start { [self] in run() }
    }

    func add(_ work: @escaping @Sendable () -> Void) {
        let sleeps = state.withLock { state in
            state.work.append(work)
            defer { state.isIdle = false }
            return state.isIdle
        }
        if sleeps { wake.set() }
    }

    /// Waits until what was added before has run. Not to be called on the thread itself.
    func flush() throws(SystemCallError) {
        let done = try WakeSignal()
        let isAdded = state.withLock { state in
            guard !state.isEnding else { return false }
            state.work.append { done.set() }
            state.isIdle = false
            return true
        }
        guard isAdded else { return }
        wake.set()
        done.wait()
    }

    /// Runs what was added before, then ends the thread and waits for it.
    func finish() {
        state.withLock {
            $0.isEnding = true
            $0.isIdle = false
        }
        wake.set()
        thread.join()
    }

    private func run() {
        while true {
            let (work, isEnding) = state.withLock { state in
                defer { state.work = [] }
                state.isIdle = state.work.isEmpty && !state.isEnding
                return (state.work, state.isEnding)
            }
            for item in work { item() }
            guard work.isEmpty else { continue }
            if isEnding { return }
            wake.wait()
        }
    }
}

/// A thread of the operating system that is waited for in the end.
final class PosixThread: Sendable {
    private let thread = Mutex<pthread_t?>(nil)

    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    func start(_ body: @escaping @Sendable () -> Void) throws(SystemCallError) {
        let context = Unmanaged.passRetained(Work(body))
        var started = pthread_t()
        // Signals are the business of the main thread.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        let failure = pthread_create(
            &started, nil,
            { raw in
                if let raw { Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().body() }
                return nil
            }, context.toOpaque())
        pthread_sigmask(SIG_SETMASK, &before, nil)
        guard failure == 0 else {
            context.release()
            throw SystemCallError(call: "pthread_create", errno: failure)
        }
        let value = started
        thread.withLock { $0 = value }
    }

    /// Waits for the thread's end; at once where it never started or was waited for before.
    func join() {
        let value = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let value { pthread_join(value, nil) }
    }
}
