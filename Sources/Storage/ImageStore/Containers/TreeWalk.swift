import CLinux
import Glibc
import LinuxKernel

/// Calls `visit` for everything below a folder, with the path relative to it; a directory before what is in it.
/// Links are not followed. What disappears meanwhile is passed over: a running container's layer changes.
func walkTree(_ root: String, _ visit: (String, stat) throws -> Void) throws {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    let tree = LayerTree(root: try openFile(root, flags), displaced: try openFile(root, flags))
    var folders: [[UInt8]] = [[]]
    while let folder = folders.popLast() {
        guard let stream = try openStream(tree, folder) else { continue }
        defer { closedir(stream) }
        while let (name, status) = try nextEntry(stream) {
            let path = folder.isEmpty ? name : folder + [UInt8(ascii: "/")] + name
            try visit(String(decoding: path, as: UTF8.self), status)
            if status.st_mode & S_IFMT == S_IFDIR { folders.append(path) }
        }
    }
}

/// - Returns: nil where the folder is gone
private func openStream(_ tree: LayerTree, _ folder: [UInt8]) throws -> OpaquePointer? {
    do {
        let directory = try tree.directory(folder, folder.count, create: false)
        let opened = try systemCall("openat") {
            openat(directory, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        if let stream = fdopendir(opened) { return stream }
        close(opened)
        throw SystemCallError(call: "fdopendir", errno: ENOMEM)
    } catch let error as SystemCallError
        where error.errno == ENOENT || error.errno == ENOTDIR || error.errno == ELOOP
    {
        return nil
    }
}

private func nextEntry(_ stream: OpaquePointer) throws(SystemCallError) -> (name: [UInt8], status: stat)? {
    let directory = dirfd(stream)
    while let entry = try readEntry(stream) {
        var status = stat()
        var failure: Int32 = 0
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            let text = UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self)
            if fstatat(directory, text, &status, AT_SYMLINK_NOFOLLOW) != 0 { failure = errno }
            return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
        }
        if name == [0x2E] || name == [0x2E, 0x2E] { continue }
        if failure == 0 { return (name, status) }
        guard failure == ENOENT else {
            throw SystemCallError(
                call: "fstatat", errno: failure, subject: String(decoding: name, as: UTF8.self))
        }
    }
    return nil
}

/// - Returns: nil at the end, which readdir(3) tells from a failure by errno alone
private func readEntry(_ stream: OpaquePointer) throws(SystemCallError) -> UnsafeMutablePointer<dirent>? {
    errno = 0
    if let entry = readdir(stream) { return entry }
    guard errno == 0 || errno == ENOENT else { throw SystemCallError(call: "readdir") }
    return nil
}

/// Whether a directory of a layer hides those of the layers below it.
func isOpaqueDirectory(_ path: String) -> Bool {
    var value: UInt8 = 0
    return skiff_get_attribute(path, "trusted.overlay.opaque", &value, 1) == 1 && value == UInt8(ascii: "y")
}
