import CLinux
import Glibc

/// Removes what is at `path`, a directory with everything below it included, however deep. Never follows a symbolic
/// link nor enters what is mounted below (that fails with EXDEV). A path that does not exist is no error.
package func removeTree(_ path: String) throws(SystemCallError) {
    try removeTree(path, at: AT_FDCWD)
}

/// The same for a path from an open directory, of bytes that need not be UTF-8.
package func removeTree(_ path: UnsafePointer<CChar>, at directory: Int32) throws(SystemCallError) {
    if unlinkat(directory, path, 0) == 0 || errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM else {
        throw SystemCallError(call: "unlink", subject: String(cString: path))
    }
    do throws(SystemCallError) {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let top = Descriptor(owning: try systemCall("openat") { openat(directory, path, flags) })
        var movedCount: Int
        repeat {
            // What lies too deep to recurse into is moved up and emptied in the next round.
            let removal = TreeRemoval(top: top.rawValue)
            try removal.empty(top.rawValue, depth: 0)
            movedCount = removal.movedCount
        } while movedCount > 0
    } catch {
        if error.errno == ENOENT { return }
        let subject = "\(String(cString: path)): \(error.subject)"
        throw SystemCallError(call: error.call, errno: error.errno, subject: subject)
    }
    if unlinkat(directory, path, AT_REMOVEDIR) != 0, errno != ENOENT {
        throw SystemCallError(call: "rmdir", subject: String(cString: path))
    }
}

private final class TreeRemoval {
    private let top: Int32
    private(set) var movedCount = 0

    /// Descriptors held at most; a tree may be deeper than a process may have files open.
    private static let depthLimit = 100

    init(top: Int32) { self.top = top }

    func empty(_ directory: Int32, depth: Int) throws(SystemCallError) {
        let own = try systemCall("openat") { openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(own) else {
            let error = SystemCallError(call: "fdopendir")
            close(own)
            throw error
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let isDirectory = Int32(entry.pointee.d_type) == Int32(DT_DIR)
            try withUnsafePointer(to: &entry.pointee.d_name) { pointer throws(SystemCallError) in
                let name = UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self)
                if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return }
                try remove(name, isDirectory: isDirectory, from: directory, depth: depth)
            }
        }
    }

    private func remove(
        _ name: UnsafePointer<CChar>, isDirectory: Bool, from directory: Int32, depth: Int
    ) throws(SystemCallError) {
        if !isDirectory {
            if unlinkat(directory, name, 0) == 0 || errno == ENOENT { return }
            guard errno == EISDIR else {
                throw SystemCallError(call: "unlinkat", subject: String(cString: name))
            }
        }
        if unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
        guard depth < Self.depthLimit else {
            movedCount += 1
            let target = "moved-\(movedCount)-\(UInt64.random(in: 0...UInt64.max))"
            try systemCall("renameat", target) { renameat(directory, name, top, target) }
            return
        }
        let child = Descriptor(
            owning: try rawCall("openat2", String(cString: name)) { skiff_open_same_mount(directory, name) })
        try empty(child.rawValue, depth: depth + 1)
        try systemCall("unlinkat", String(cString: name)) { unlinkat(directory, name, AT_REMOVEDIR) }
    }
}
