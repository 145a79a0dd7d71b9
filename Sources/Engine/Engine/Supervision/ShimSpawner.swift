import CLinux
import Glibc
import LinuxKernel
import OCIModel
import ShimProtocol

/// Starts shims. Blocking.
struct ShimSpawner: Sendable {
    /// The shim's executable.
    let path: String
    let reactor: Reactor

    /// Starts a shim that works in `folder`, which exists.
    /// - Returns: the connection to it; it is reaped by the reactor
    func spawn(folder: String) throws -> ShimConnection {
        let (connection, shimEnd) = try ShimConnection.makePair()
        let program = try ProtectedExecutable.open(path)
        let executable = program.rawValue
        var pidfd: Int32 = -1
        let pid = withCStrings([path, "--dir", folder]) { arguments in
            withCStrings(["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]) { environment in
                path.withCString {
                    skiff_spawn($0, executable, arguments, environment, shimEnd.rawValue, 2, nil, &pidfd)
                }
            }
        }
        guard pid > 0 else {
            let error = SystemCallError(call: "execve", errno: -pid, subject: path)
            throw EngineError(.systemCallFailed, "cannot start the container's shim: \(error)", cause: error)
        }
        try reap(pid, SharedDescriptor(Descriptor(owning: pidfd)))
        return connection
    }

    /// Waits for the end of a child without a thread of its own.
    private func reap(_ pid: Int32, _ pidfd: SharedDescriptor) throws {
        let token = OneShot<Reactor.Token>()
        let reactor = reactor
        let registered = try reactor.add(pidfd.rawValue) {
            guard let token = token.current else { return }
            if waitpid(pid, nil, WNOHANG) == 0 { return }
            reactor.remove(token)
            // Held open until here.
            withExtendedLifetime(pidfd) {}
        }
        token.fulfil(registered)
    }
}

/// Calls `body` with a null-terminated array of C strings.
func withCStrings<T>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> T) -> T {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    // Never empty: there is the terminator.
    return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
}
