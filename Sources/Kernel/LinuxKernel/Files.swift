import CLinux
package import Glibc

/// Opens `path`, close-on-exec always; `directory` anchors a relative path (open(2)).
package func openFile(
    _ path: String, _ flags: Int32, mode: mode_t = 0o666, at directory: Int32 = AT_FDCWD
) throws(SystemCallError) -> Descriptor {
    Descriptor(owning: try systemCall("openat", path) { openat(directory, path, flags | O_CLOEXEC, mode) })
}

/// A pipe, both ends close-on-exec.
package func makePipe() throws(SystemCallError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    try rawCall("pipe2") { skiff_pipe(&ends) }
    return (ends[0], ends[1])
}

/// Makes descriptor `target` another name of what `source` refers to, close-on-exec (dup3(2)).
package func replaceDescriptor(_ target: Int32, with source: Int32) throws(SystemCallError) {
    try rawCall("dup3") { skiff_dup3(source, target) }
}

/// Everything from the descriptor's position to its end.
/// - Throws: `SystemCallError`, with `EFBIG` where there are more than `limit` bytes
package func readAll(_ descriptor: Int32, limit: Int = 64 << 20) throws(SystemCallError) -> [UInt8] {
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while true {
        let count = try systemCall("read") { read(descriptor, &chunk, chunk.count) }
        if count == 0 { return content }
        content.append(contentsOf: chunk[0..<count])
        if content.count > limit { throw SystemCallError(call: "read", errno: EFBIG) }
    }
}

package func readFile(_ path: String, limit: Int = 64 << 20) throws(SystemCallError) -> [UInt8] {
    let file = try openFile(path, O_RDONLY)
    do throws(SystemCallError) {
        return try readAll(file.rawValue, limit: limit)
    } catch {
        throw SystemCallError(call: error.call, errno: error.errno, subject: path)
    }
}

/// Writes every byte, over as many calls as it takes.
package func writeAll(_ descriptor: Int32, _ bytes: some Collection<UInt8>) throws(SystemCallError) {
    let contiguous = Array(bytes)
    var offset = 0
    while offset < contiguous.count {
        offset += try systemCall("write") {
            contiguous.withUnsafeBytes { write(descriptor, $0.baseAddress! + offset, $0.count - offset) }
        }
    }
}

/// Replaces the content of a file that exists, in one `write` (what control files in /proc, /sys and cgroups need).
package func writeControlFile(_ path: String, _ text: String) throws(SystemCallError) {
    let file = try openFile(path, O_WRONLY)
    let raw = file.rawValue
    let bytes = Array(text.utf8)
    try systemCall("write", path) { write(raw, bytes, bytes.count) }
}

/// Makes `path` hold `bytes`, seen by others either before or after, never half: a temporary file beside it, renamed.
/// - Parameter durable: whether file and folder are synced, so that a power cut cannot undo it
package func replaceFile(
    _ path: String, _ bytes: some Collection<UInt8>, mode: mode_t = 0o644, durable: Bool = false
) throws(SystemCallError) {
    let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).tmp"
    do throws(SystemCallError) {
        let file = try openFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        let raw = file.rawValue
        try systemCall("fchmod", temporary) { fchmod(raw, mode) }
        try writeAll(raw, bytes)
        if durable { try systemCall("fsync", temporary) { fsync(raw) } }
        try systemCall("rename", path) { rename(temporary, path) }
    } catch {
        unlink(temporary)
        throw error
    }
    if durable { try syncFolder(of: path) }
}

/// Makes the directory entry of `path` durable.
package func syncFolder(of path: String) throws(SystemCallError) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let directory = try openFile(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY)
    let raw = directory.rawValue
    try systemCall("fsync", folder) { fsync(raw) }
}

/// Makes a directory and those above it that are missing; one that exists is left as it is.
package func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(SystemCallError) {
    if mkdir(path, mode) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
        throw SystemCallError(call: "mkdir", subject: path)
    }
    try makeDirectories(String(path[..<slash]), mode: mode)
    guard mkdir(path, mode) == 0 || errno == EEXIST else {
        throw SystemCallError(call: "mkdir", subject: path)
    }
}

package func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }
