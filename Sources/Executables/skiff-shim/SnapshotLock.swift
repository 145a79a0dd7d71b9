import Glibc
import LinuxKernel
import ShimProtocol

/// Sees to it that one upper directory is never mounted twice, which the kernel would allow, corrupting it.
///
/// The lock is a flock held by the shim; the file also names the container's process, because a shim that was killed
/// loses its lock a moment before its container is gone.
struct SnapshotLock: ~Copyable {
    /// How long a container is waited for whose shim is gone, in milliseconds.
    private static let patience: Int64 = 10000

    private let file: Descriptor

    private init(file: consuming Descriptor) { self.file = file }

    /// - Throws: `ShimError.conflict` where a container uses the snapshot
    static func take(_ path: String) throws(ShimError) -> SnapshotLock {
        let taken = SnapshotLock(file: try lock(path))
        try taken.awaitEarlier(path)
        return taken
    }

    private static func lock(_ path: String) throws(ShimError) -> Descriptor {
        do throws(SystemCallError) {
            let file = try openFile(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            let raw = file.rawValue
            try systemCall("flock", path) { flock(raw, LOCK_EX | LOCK_NB) }
            return file
        } catch {
            if error.errno == EWOULDBLOCK {
                throw ShimError(
                    .conflict, "the file system is in use by a running container (\(path) is locked)")
            }
            throw ShimError(.inputOutput, "cannot lock the file system: \(error)")
        }
    }

    private borrowing func awaitEarlier(_ path: String) throws(ShimError) {
        var text = [UInt8](repeating: 0, count: 64)
        let count = pread(file.rawValue, &text, text.count, 0)
        guard count > 0 else { return }
        let words = String(decoding: text[..<count], as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let pid = Int32(words[0]), let start = UInt64(words[1]) else { return }
        let deadline = EventLoop.now + Self.patience
        while processStartTime(pid) == start {
            guard EventLoop.now < deadline else {
                throw ShimError(
                    .conflict, "the file system is in use by process \(pid), whose shim is gone; end it")
            }
            usleep(5000)
        }
    }

    /// Names the process that uses the snapshot from now on.
    borrowing func record(_ pid: Int32, startTime: UInt64) throws(ShimError) {
        let text = Array("\(pid) \(startTime)\n".utf8)
        let raw = file.rawValue
        do throws(SystemCallError) {
            try systemCall("ftruncate") { ftruncate(raw, 0) }
            try systemCall("pwrite") { pwrite(raw, text, text.count, 0) }
        } catch {
            throw ShimError(.inputOutput, "cannot write the lock file: \(error)")
        }
    }

    /// The process and its mounts are gone.
    consuming func release() { ftruncate(file.rawValue, 0) }
}

/// Field 22 of `/proc/<pid>/stat`, in clock ticks since boot; nil where there is no such process, or only its zombie.
func processStartTime(_ pid: Int32) -> UInt64? {
    guard let bytes = try? readFile("/proc/\(pid)/stat", limit: 4096) else { return nil }
    // The second field is the command in parentheses, which may itself hold parentheses and spaces.
    guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = String(decoding: bytes[(end + 1)...], as: UTF8.self).split(separator: " ")
    guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
    return UInt64(fields[19])
}
