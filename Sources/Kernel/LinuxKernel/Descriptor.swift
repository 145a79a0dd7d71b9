import Glibc

/// The one owner of an open file descriptor; closes it at the end of its life.
package struct Descriptor: ~Copyable, Sendable {
    package let rawValue: Int32

    /// Takes over an open descriptor.
    package init(owning rawValue: Int32) { self.rawValue = rawValue }

    deinit { close(rawValue) }

    /// Gives the descriptor up: the caller has to close it.
    package consuming func take() -> Int32 {
        let value = rawValue
        discard self
        return value
    }

    /// A second descriptor of the same open file, close-on-exec.
    package borrowing func duplicate() throws(SystemCallError) -> Descriptor {
        let raw = rawValue
        return Descriptor(owning: try systemCall("fcntl") { fcntl(raw, F_DUPFD_CLOEXEC, 3) })
    }

    /// The descriptor's path below /proc, by which another call can name the open file.
    package var procPath: String { "/proc/self/fd/\(rawValue)" }
}

/// A descriptor with shared ownership, for classes and closures; closed with the last reference.
package final class SharedDescriptor: Sendable {
    private let descriptor: Descriptor

    package init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    package var rawValue: Int32 { descriptor.rawValue }

    package func duplicate() throws(SystemCallError) -> Descriptor { try descriptor.duplicate() }
}
