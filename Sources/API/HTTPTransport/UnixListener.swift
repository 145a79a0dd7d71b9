import Glibc
import LinuxKernel

/// Makes listening unix sockets with the right owner and mode from the first moment on.
enum UnixListener {
    /// A path in `sockaddr_un` has 107 bytes; a longer one is reached through a descriptor of its folder.
    private static let pathLimit = 107

    /// - Parameters:
    ///   - group: the group that may connect besides root; nil for root's
    /// - Throws: `HTTPTransportError` (`serverThere`) where somebody answers on the path, `SystemCallError`
    static func listen(path: String, group: gid_t?) throws -> Descriptor {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        try makeDirectories(folder.isEmpty ? "/" : folder)
        try clearStale(path)
        let socket = Descriptor(
            owning: try systemCall("socket") {
                Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            })
        let raw = socket.rawValue
        // bind(2) gives the file the mode of the socket less the umask: at no moment can others connect.
        try systemCall("fchmod", path) { fchmod(raw, 0o660) }
        try withAddress(path) { address, length in
            _ = try systemCall("bind", path) { Glibc.bind(raw, address, length) }
        }
        try systemCall("chmod", path) { chmod(path, 0o660) }
        if let group { try systemCall("chown", path) { chown(path, 0, group) } }
        return socket
    }

    /// Milliseconds that a process is given to end that was killed a moment ago.
    private static let dyingTime: Int32 = 500

    /// Whether a process that lives listens on the path.
    ///
    /// A listener that was killed while it started another program is answered for by the child, until that has
    /// executed the program; the kernel knows who it was that listened.
    static func isAnswered(_ path: String) throws -> Bool {
        let socket = Descriptor(
            owning: try systemCall("socket") {
                Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            })
        let raw = socket.rawValue
        guard try withAddress(path, { address, length in Glibc.connect(raw, address, length) == 0 }) else {
            return false
        }
        let process = try peerCredentials(raw).process
        // One of a process namespace that is not seen from here has none.
        return process <= 0 || lives(process)
    }

    private static func lives(_ process: Int32) -> Bool {
        guard let descriptor = try? openPidfd(process) else { return false }
        var entry = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, dyingTime) == 0
    }

    private static func clearStale(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw HTTPTransportError(.listenFailed, "cannot listen on \(path): it exists and is not a socket")
        }
        if try isAnswered(path) {
            throw HTTPTransportError(
                .serverThere,
                "cannot listen on \(path): another engine answers there; stop it first, or choose another socket with --host"
            )
        }
        try systemCall("unlink", path) { unlink(path) }
    }

    private static func withAddress<T>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> T
    ) throws -> T {
        if path.utf8.count <= pathLimit { return try withShortAddress(path, body) }
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let folder = try openFile(String(path[..<slash]), O_RDONLY | O_DIRECTORY)
        return try withShortAddress("\(folder.procPath)\(path[slash...])", body)
    }

    private static func withShortAddress<T>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> T
    ) throws -> T {
        guard path.utf8.count <= pathLimit else {
            throw SystemCallError(call: "bind", errno: ENAMETOOLONG, subject: path)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return try withUnsafePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
