import CLinux
import Glibc
import LinuxKernel

/// The signals that mean something to the registry, as a stream (decision 0041).
enum Signals {
    enum Request: Sendable { case terminate, reload, collect }

    static func requests() throws -> AsyncStream<Request> {
        signal(SIGPIPE, SIG_IGN)
        let mask = [SIGTERM, SIGINT, SIGHUP, SIGUSR1].reduce(UInt64(0)) { $0 | 1 << UInt64($1 - 1) }
        let pipe = SharedDescriptor(
            Descriptor(owning: try rawCall("sigaction") { skiff_forward_signals(mask) }))
        let (stream, continuation) = AsyncStream.makeStream(of: Request.self)
        let reader = Unmanaged.passRetained(Reader(pipe: pipe, continuation: continuation))
        var thread = pthread_t()
        let result = pthread_create(&thread, nil, read, reader.toOpaque())
        guard result == 0 else {
            reader.release()
            throw SystemCallError(call: "pthread_create", errno: result)
        }
        pthread_detach(thread)
        return stream
    }

    private final class Reader: Sendable {
        let pipe: SharedDescriptor
        let continuation: AsyncStream<Request>.Continuation

        init(pipe: SharedDescriptor, continuation: AsyncStream<Request>.Continuation) {
            self.pipe = pipe
            self.continuation = continuation
        }
    }

    private static let read: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
        argument in
        guard let argument else { return nil }
        let reader = Unmanaged<Reader>.fromOpaque(argument).takeRetainedValue()
        var number: UInt8 = 0
        while true {
            let count = Glibc.read(reader.pipe.rawValue, &number, 1)
            if count == 1 {
                reader.continuation.yield(request(Int32(number)))
            } else if count == 0 || errno != EINTR {
                return nil
            }
        }
    }

    private static func request(_ number: Int32) -> Request {
        switch number {
        case SIGHUP: .reload
        case SIGUSR1: .collect
        default: .terminate
        }
    }
}
