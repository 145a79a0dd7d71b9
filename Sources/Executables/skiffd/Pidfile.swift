import Glibc
import LinuxKernel

/// The file with the daemon's process id.
struct Pidfile {
    let path: String

    /// - Throws: `OptionError` where the file names a daemon that runs, `SystemCallError`
    init(_ path: String) throws {
        self.path = path
        if let pid = Self.runningDaemon(path) {
            throw OptionError(
                "failed to start daemon: process with PID \(pid) is still running (\(path)); "
                    + "stop it, or give this daemon another --pidfile, --data-root and --exec-root")
        }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try makeDirectories(String(path[..<slash]))
        }
        try replaceFile(path, Array("\(getpid())\n".utf8))
    }

    /// A process id is reused after a crash, by anything: only another daemon of this name counts.
    private static func runningDaemon(_ path: String) -> Int32? {
        guard let bytes = try? readFile(path, limit: 64),
            let pid = Int32(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }), pid > 0,
            pid != getpid(), kill(pid, 0) == 0 || errno == EPERM,
            let name = try? readFile("/proc/\(pid)/comm", limit: 64)
        else { return nil }
        return String(decoding: name, as: UTF8.self).hasPrefix("skiffd") ? pid : nil
    }

    func remove() { unlink(path) }
}
