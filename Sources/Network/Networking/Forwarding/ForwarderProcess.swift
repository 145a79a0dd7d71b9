import CLinux
import Glibc
import LinuxKernel

/// The instance's `skiff-net` process: found by its control socket, or started.
///
/// It is started with the listening control socket as descriptor 3, so that it can be talked to at once, and in a
/// session of its own: it serves on while no daemon runs.
struct ForwarderProcess {
    static let socketName = "skiff-net.sock"

    let executable: String
    let directory: String
    let instance: String
    let resolverFile: String

    /// A connection to the process that runs already; nil where none does.
    func connect() throws(SystemCallError) -> Descriptor? {
        do throws(SystemCallError) {
            return try connectUnix(directory: directory, name: Self.socketName)
        } catch {
            guard error.errno == ECONNREFUSED || error.errno == ENOENT else { throw error }
            return nil
        }
    }

    /// Starts the process; it can be connected to at once.
    /// - Returns: its id
    func start() throws(SystemCallError) -> pid_t {
        let path = "\(directory)/\(Self.socketName)"
        unlink(path)
        let listener = try listenUnix(directory: directory, name: Self.socketName, backlog: 16)
        try systemCall("chmod", path) { chmod(path, 0o600) }
        return try spawn(listener.rawValue)
    }

    /// It outlives the daemon, so it is given nothing of it: a client's connection that it held too would not end
    /// with the daemon, and the client would wait for ever.
    private func spawn(_ listener: Int32) throws(SystemCallError) -> pid_t {
        let words = ["skiff-net", "--control", "3", "--instance", instance, "--resolver-file", resolverFile]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { if let argument { free(argument) } } }
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var pidfd: Int32 = -1
        let process = try rawCall("execve", executable) {
            skiff_spawn(executable, -1, &arguments, &environment, listener, -1, nil, &pidfd)
        }
        close(pidfd)
        return process
    }
}
