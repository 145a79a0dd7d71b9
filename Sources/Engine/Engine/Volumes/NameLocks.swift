import Glibc

/// One lock for each name, for work that blocks: on one name one at a time, on several side by side.
// Unchecked: what changes is touched with `mutex` held only; a Mutex has no condition to wait for.
final class NameLocks: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var taken: Set<String> = []

    init() {
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

    func with<T>(_ name: String, _ body: () throws -> T) rethrows -> T {
        pthread_mutex_lock(mutex)
        while !taken.insert(name).inserted { pthread_cond_wait(condition, mutex) }
        pthread_mutex_unlock(mutex)
        defer {
            pthread_mutex_lock(mutex)
            taken.remove(name)
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }
        return try body()
    }
}
