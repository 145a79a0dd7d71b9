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

    private func spawn(_ listener: Int32) throws(SystemCallError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for number in Int32(0)...2 {
            posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, listener, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | 0x80 /* POSIX_SPAWN_SETSID */))
        let words = ["skiff-net", "--control", "3", "--instance", instance]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { if let argument { free(argument) } } }
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var process = pid_t()
        let failure = posix_spawn(&process, executable, &actions, &attributes, &arguments, &environment)
        guard failure == 0 else {
            throw SystemCallError(call: "posix_spawn", errno: failure, subject: executable)
        }
        return process
    }
}
