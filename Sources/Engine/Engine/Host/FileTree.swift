import Glibc
import LinuxKernel

/// Removes folders of the engine's own. Never follows a symbolic link, never leaves the folder's file system.
enum FileTree {
    /// Removes a file or folder with everything in it; nothing to do where there is none.
    static func remove(_ path: String) throws(SystemCallError) {
        if unlink(path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw SystemCallError(call: "unlink", subject: path) }
        let folder: Descriptor
        do throws(SystemCallError) {
            folder = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch {
            if error.errno == ENOENT { return }
            throw error
        }
        try empty(folder, path, device: try device(folder.rawValue))
        guard rmdir(path) == 0 || errno == ENOENT else { throw SystemCallError(call: "rmdir", subject: path) }
    }

    private static func device(_ descriptor: Int32) throws(SystemCallError) -> dev_t {
        var status = stat()
        try systemCall("fstat") { fstat(descriptor, &status) }
        return status.st_dev
    }

    private static func empty(
        _ folder: borrowing Descriptor, _ path: String, device root: dev_t
    ) throws(SystemCallError) {
        let raw = folder.rawValue
        for name in try names(folder, path) {
            if unlinkat(raw, name, 0) == 0 || errno == ENOENT { continue }
            guard errno == EISDIR || errno == EPERM else {
                throw SystemCallError(call: "unlinkat", subject: "\(path)/\(name)")
            }
            let child = try openFile(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, at: raw)
            guard try device(child.rawValue) == root else {
                throw SystemCallError(call: "rmdir", errno: EBUSY, subject: "\(path)/\(name)")
            }
            try empty(child, "\(path)/\(name)", device: root)
            guard unlinkat(raw, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
                throw SystemCallError(call: "rmdir", subject: "\(path)/\(name)")
            }
        }
    }

    /// Entries of a folder, without `.` and `..`; empty where the folder cannot be read.
    static func names(in path: String) -> [String] {
        guard let folder = try? openFile(path, O_RDONLY | O_DIRECTORY) else { return [] }
        return (try? names(folder, path)) ?? []
    }

    private static func names(_ folder: borrowing Descriptor, _ path: String) throws(SystemCallError)
        -> [String]
    {
        let own = try folder.duplicate().take()
        guard let stream = fdopendir(own) else {
            let error = SystemCallError(call: "fdopendir", subject: path)
            close(own)
            throw error
        }
        defer { closedir(stream) }
        rewinddir(stream)
        var result: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { result.append(name) }
        }
        return result
    }
}
