import Glibc
package import LinuxKernel

/// Another network namespace, entered by a throwaway thread: `setns` changes the thread for good, and no other work
/// may ever run on it afterwards.
package enum NetworkNamespace {
    /// Runs `body` on a thread of its own inside the namespace, and waits for it.
    /// - Parameter descriptor: an open `/proc/<pid>/ns/net` or a bind mount of one
    package static func run<T: Sendable>(
        in descriptor: Int32, _ body: @escaping @Sendable () throws(SystemCallError) -> T
    ) throws(SystemCallError) -> T {
        let work = Work<T>(descriptor: descriptor, body: body)
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, 256 << 10)
        var thread = pthread_t()
        let context = Unmanaged<AnyWork>.passRetained(work)
        let failure = pthread_create(
            &thread, &attributes,
            { raw in
                if let raw { Unmanaged<AnyWork>.fromOpaque(raw).takeRetainedValue().perform() }
                return nil
            }, context.toOpaque())
        guard failure == 0 else {
            context.release()
            throw SystemCallError(call: "pthread_create", errno: failure)
        }
        pthread_join(thread, nil)
        switch work.result {
        case .success(let value): return value
        case .failure(let error): throw error
        case nil: throw SystemCallError(call: "pthread_create", errno: ECANCELED)
        }
    }

    private class AnyWork {
        func perform() {}
    }

    private final class Work<T: Sendable>: AnyWork {
        private let descriptor: Int32
        private let body: @Sendable () throws(SystemCallError) -> T
        private(set) var result: Result<T, SystemCallError>?

        init(descriptor: Int32, body: @escaping @Sendable () throws(SystemCallError) -> T) {
            self.descriptor = descriptor
            self.body = body
        }

        override func perform() {
            do throws(SystemCallError) {
                try joinNamespaces(descriptor, .network, named: "network namespace")
                result = .success(try body())
            } catch {
                result = .failure(error)
            }
        }
    }
}
