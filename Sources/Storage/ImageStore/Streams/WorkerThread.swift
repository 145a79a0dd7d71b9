import CLinux
import Glibc
import LinuxKernel

/// A thread of one task. Whoever starts it joins it.
package final class WorkerThread: @unchecked Sendable {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var thread = pthread_t()

    /// - Throws: `ImageError` (`exhausted`) where the system gives no thread
    package init(_ body: @escaping @Sendable () -> Void) throws { try start(body) }

    private func start(_ body: @escaping @Sendable () -> Void) throws {
        let box = Unmanaged.passRetained(Body(body))
        let result = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            box.release()
            throw ImageError(.exhausted, "cannot start a thread: \(String(cString: strerror(result)))")
        }
    }

    /// A thread that nobody joins.
    static func detach(_ body: @escaping @Sendable () -> Void) throws {
        pthread_detach(try WorkerThread(body).thread)
    }

    package func join() { pthread_join(thread, nil) }

    /// Gives the calling thread a file mode mask of its own, 0, so that files get exactly the mode asked for.
    /// A thread that did this must end soon: it no longer shares the working directory with the others.
    static func dropFileModeMask() throws {
        try rawCall("unshare") { skiff_drop_file_mode_mask() }
    }
}
