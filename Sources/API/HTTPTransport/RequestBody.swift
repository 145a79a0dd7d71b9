import Glibc
package import NIOCore

/// The body of a request that is worked on while it comes. The event loop puts in, a blocking reader takes out;
/// what waits between them is bounded, beyond that the client's socket is not read.
// Unchecked: what changes is touched with `mutex` held only; a Mutex has no condition to wait for.
package final class RequestBody: @unchecked Sendable {
    // Guarded by `mutex`.
    private var chunks: [ByteBuffer] = []
    private var waitingBytes = 0
    private var ending: Ending?
    private var isAbandoned = false
    private var waiter: CheckedContinuation<Void, Never>?

    private enum Ending { case complete, broken }

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    /// Called, on the reader's thread, when there is room again after `put` said that there is none.
    private let resume: @Sendable () -> Void
    private var wasFull = false
    /// What the client waits for before it sends anything; nil where it sends by itself.
    private let expectation: BodyExpectation?

    static let capacity = 512 << 10

    init(expectation: BodyExpectation? = nil, resume: @escaping @Sendable () -> Void) {
        self.expectation = expectation
        self.resume = resume
        mutex = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    private func locked<T>(_ body: () throws -> T) rethrows -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// - Returns: whether there is room for more
    func put(_ bytes: ByteBuffer) -> Bool {
        locked {
            if isAbandoned { return true }
            chunks.append(bytes)
            waitingBytes += bytes.readableBytes
            wake()
            // Once full it stays so until the reader has made room and said so: the client's socket is not read
            // meanwhile, and what the parser still holds comes in here all the same.
            if waitingBytes >= Self.capacity { wasFull = true }
            return !wasFull
        }
    }

    /// Whether `resume` will be called when there is room.
    var isFull: Bool { locked { wasFull } }

    /// - Parameter complete: false where the client left in the middle
    func finish(complete: Bool) {
        locked {
            if ending == nil { ending = complete ? .complete : .broken }
            wake()
        }
    }

    /// Nobody reads any more: what comes is dropped.
    func abandon() {
        let isWaiting = locked {
            isAbandoned = true
            chunks = []
            waitingBytes = 0
            defer { wasFull = false }
            return wasFull
        }
        if isWaiting { resume() }
    }

    /// With the mutex held.
    private func wake() {
        pthread_cond_signal(changed)
        waiter?.resume()
        waiter = nil
    }

    /// Everything that has come, without blocking a thread until something has; nil at the end. For one reader.
    /// - Throws: `HTTPTransportError` (`requestCut`) where the client left in the middle
    package func next() async throws -> ByteBuffer? {
        guard expectation?.wantBody() ?? true else { throw Self.unwanted }
        await withCheckedContinuation { continuation in
            locked {
                if chunks.isEmpty && ending == nil { waiter = continuation } else { continuation.resume() }
            }
        }
        var hasRoom = false
        let bytes: ByteBuffer? = try locked {
            guard !chunks.isEmpty else {
                if case .broken = ending { throw Self.cut }
                return nil
            }
            defer {
                (hasRoom, wasFull, waitingBytes) = (wasFull, false, 0)
                chunks = []
            }
            if chunks.count == 1 { return chunks[0] }
            var all = ByteBuffer()
            all.reserveCapacity(waitingBytes)
            for chunk in chunks { all.writeImmutableBuffer(chunk) }
            return all
        }
        if hasRoom { resume() }
        return bytes
    }

    private static let unwanted = HTTPTransportError(
        .requestCut, "the request was answered before its body was asked for")
    private static let cut = HTTPTransportError(.requestCut, "the request ended before its body did")

    /// Blocks until there are bytes; 0 at the end.
    package func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
        guard expectation?.wantBody() ?? true else { throw Self.unwanted }
        var hasRoom = false
        let count = try locked {
            while chunks.isEmpty && ending == nil { pthread_cond_wait(changed, mutex) }
            guard !chunks.isEmpty else {
                if case .broken = ending {
                    throw Self.cut
                }
                return 0
            }
            let count = chunks[0].readWithUnsafeReadableBytes { source in
                let count = min(source.count, target.count)
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<count]))
                return count
            }
            if chunks[0].readableBytes == 0 { chunks.removeFirst() }
            waitingBytes -= count
            if wasFull, waitingBytes < Self.capacity / 2 {
                wasFull = false
                hasRoom = true
            }
            return count
        }
        if hasRoom { resume() }
        return count
    }
}
