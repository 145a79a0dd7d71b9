import Glibc
import LinuxKernel

/// The signals that mean something to the daemon, as a stream.
enum Signals {
    enum Request: Sendable { case terminate, reload }

    private static let numbers: [Int32] = [SIGTERM, SIGINT, SIGHUP]

    /// Keeps the signals from interrupting anything. To be called before the first thread starts: threads inherit it.
    static func block() {
        signal(SIGPIPE, SIG_IGN)
        var set = set()
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    private static func set() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        return set
    }

    /// What comes from now on. A thread waits for it for as long as the process lives.
    static func requests() throws -> AsyncStream<Request> {
        let (stream, continuation) = AsyncStream.makeStream(of: Request.self)
        let box = Unmanaged.passRetained(Sink(continuation))
        var thread = pthread_t()
        let result = pthread_create(&thread, nil, Self.wait, box.toOpaque())
        guard result == 0 else {
            box.release()
            throw SystemCallError(call: "pthread_create", errno: result)
        }
        pthread_detach(thread)
        return stream
    }

    private final class Sink: Sendable {
        let continuation: AsyncStream<Request>.Continuation
        init(_ continuation: AsyncStream<Request>.Continuation) { self.continuation = continuation }
    }

    private static let wait: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
        argument in
        guard let argument else { return nil }
        let sink = Unmanaged<Sink>.fromOpaque(argument).takeRetainedValue()
        var set = Signals.set()
        while true {
            var number: Int32 = 0
            guard sigwait(&set, &number) == 0 else { continue }
            sink.continuation.yield(number == SIGHUP ? .reload : .terminate)
        }
    }
}
