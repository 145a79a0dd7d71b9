import Glibc
import OCIModel

/// Threads for calls that block. A few stay, more come while all are busy, up to a bound; Swift's own pool, which has
/// one thread per processor, never waits for a disk or the kernel.
// Unchecked: what changes is touched with `mutex` held only; a Mutex has no condition to wait for.
package final class BlockingPool: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var jobs: [@Sendable () -> Void] = []
    private var head = 0
    private var threads = 0
    private var idle = 0
    private var isStopped = false
    private let kept: Int
    private let bound: Int
    /// Seconds after which a thread beyond the kept ones ends.
    private static let idleLimit = 10
    private static let stackSize = 512 << 10

    package init(kept: Int = 2, bound: Int = 32) {
        self.kept = kept
        self.bound = bound
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Runs blocking work on one of the threads.
    package func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            submit { continuation.resume(with: Result { try work() }) }
        }
    }

    /// Runs work that waits for a client, who may take as long as he likes, on a thread of its own: he must not keep
    /// one of those that every other request needs.
    /// - Throws: `EngineError.systemCallFailed` where the system gives no thread
    package func runAlone<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            let started = startDetachedThread(stackSize: Self.stackSize) {
                continuation.resume(with: Result { try work() })
            }
            if !started {
                continuation.resume(
                    throwing: EngineError(
                        .systemCallFailed, "out of threads: raise the limit on the daemon's processes",
                        category: .exhausted))
            }
        }
    }

    /// Runs blocking work that nobody waits for.
    package func submit(_ job: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(mutex)
        jobs.append(job)
        let grows = idle < jobs.count - head && threads < bound
        if grows { threads += 1 }
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
        if grows { startThread() }
    }

    /// Lets the threads end once nothing is left to do.
    package func stop() {
        pthread_mutex_lock(mutex)
        isStopped = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    private func startThread() {
        let started = startDetachedThread(stackSize: Self.stackSize) { self.work() }
        if started { return }
        // Out of threads: those that exist do it later. With none at all the caller's thread has to.
        pthread_mutex_lock(mutex)
        threads -= 1
        let job = threads == 0 ? takeJob() : nil
        pthread_mutex_unlock(mutex)
        job?()
    }

    private func work() {
        pthread_mutex_lock(mutex)
        while true {
            if let job = takeJob() {
                pthread_mutex_unlock(mutex)
                job()
                pthread_mutex_lock(mutex)
                continue
            }
            if isStopped { break }
            var deadline = timespec()
            clock_gettime(CLOCK_REALTIME, &deadline)
            deadline.tv_sec += Self.idleLimit
            idle += 1
            let timedOut = pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT
            idle -= 1
            if timedOut, threads > kept, head == jobs.count { break }
        }
        threads -= 1
        pthread_mutex_unlock(mutex)
    }

    /// With the mutex held.
    private func takeJob() -> (@Sendable () -> Void)? {
        guard head < jobs.count else { return nil }
        let job = jobs[head]
        head += 1
        if head == jobs.count {
            jobs.removeAll(keepingCapacity: jobs.capacity <= 256)
            head = 0
        }
        return job
    }
}

/// Starts a detached thread with every signal blocked; false where the system gives none.
func startDetachedThread(stackSize: Int, _ body: @escaping @Sendable () -> Void) -> Bool {
    final class Box {
        let body: @Sendable () -> Void; init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, stackSize)
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let box = Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    let result = pthread_create(
        &thread, &attributes,
        { argument in
            guard let argument else { return nil }
            Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    if result != 0 { box.release() }
    return result == 0
}
