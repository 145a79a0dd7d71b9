package import LinuxKernel

/// A container's first process, from its creation until its program runs. For a single-threaded caller, whose child
/// the process is: the caller reaps it.
package final class ContainerProcess {
    /// As the caller sees it.
    package let processID: Int32
    /// Readable when the process has ended.
    package let pidfd: SharedDescriptor
    /// Nil where the container shares a network namespace that existed.
    package let networkNamespace: SharedDescriptor?

    /// Makes namespaces, joins the control group and begins to build the file tree, without waiting for it:
    /// the caller attaches the network meanwhile.
    /// - Throws: after which nothing is left (the caller removes the control group)
    package static func create(_ configuration: ContainerConfiguration) throws(RuntimeError)
        -> ContainerProcess
    {
        throw RuntimeError(.unsupported, "the runtime is not built yet")
    }

    /// Waits until everything but the program's start is done. `start()` does it by itself.
    package func waitUntilPrepared() throws(RuntimeError) {
        throw RuntimeError(.unsupported, "the runtime is not built yet")
    }

    /// The other end of the container's terminal, once, after it is prepared; nil without a terminal.
    package func takeConsole() -> Descriptor? { nil }

    /// Executes the container's program. Returns when the kernel has accepted it.
    /// - Throws: `.executableNotFound`, `.executableNotRunnable`, …; the process has ended then and is reaped
    package func start() throws(RuntimeError) {
        throw RuntimeError(.unsupported, "the runtime is not built yet")
    }

    /// Kills and reaps a process that was created and never started.
    package func abandon() {}

    init(processID: Int32, pidfd: SharedDescriptor, networkNamespace: SharedDescriptor?) {
        self.processID = processID
        self.pidfd = pidfd
        self.networkNamespace = networkNamespace
    }
}

/// A further process in a running container; the caller's child, which the caller reaps.
package final class ExecProcess {
    package let processID: Int32
    package let pidfd: SharedDescriptor

    /// Starts a process in the namespaces of process `container` (the container's first). Returns when the kernel
    /// has accepted the program.
    package static func start(
        _ configuration: ExecConfiguration, in container: Int32
    ) throws(RuntimeError) -> ExecProcess {
        throw RuntimeError(.unsupported, "the runtime is not built yet")
    }

    /// The other end of the process's terminal, once; nil without a terminal.
    package func takeConsole() -> Descriptor? { nil }

    init(processID: Int32, pidfd: SharedDescriptor) {
        self.processID = processID
        self.pidfd = pidfd
    }
}
