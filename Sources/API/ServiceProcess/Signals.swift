import CLinux
import Glibc
import LinuxKernel

/// The signals that mean something to a service, as a stream.
package enum Signals {
    /// What comes from now on, by number; a broken pipe is no signal any more. A thread waits for it for as long as the
    /// process lives.
    ///
    /// Handlers and not a blocked mask: the thread in which Swift's main function waits has every signal unblocked.
    package static func stream(of numbers: [Int32]) throws -> AsyncStream<Int32> {
        signal(SIGPIPE, SIG_IGN)
        let mask = numbers.reduce(UInt64(0)) { $0 | 1 << UInt64($1 - 1) }
        let pipe = Descriptor(owning: try rawCall("sigaction") { skiff_forward_signals(mask) })
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        let reader = Unmanaged.passRetained(Reader(pipe: pipe, continuation: continuation))
        var thread = pthread_t()
        let result = pthread_create(&thread, nil, Self.read, reader.toOpaque())
        guard result == 0 else {
            reader.release()
            throw SystemCallError(call: "pthread_create", errno: result)
        }
        pthread_detach(thread)
        return stream
    }

    private final class Reader: Sendable {
        let pipe: Descriptor
        let continuation: AsyncStream<Int32>.Continuation

        init(pipe: consuming Descriptor, continuation: AsyncStream<Int32>.Continuation) {
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
                reader.continuation.yield(Int32(number))
            } else if count == 0 || errno != EINTR {
                return nil
            }
        }
    }
}
