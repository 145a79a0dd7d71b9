import CLinux
import Glibc
import LinuxKernel

/// Calls `visit` for everything below a folder, with the path relative to it; a directory before what is in it.
/// Links are not followed. What disappears meanwhile is passed over: a running container's layer changes.
func walkTree(_ root: String, _ visit: (String, stat) throws -> Void) throws {
    var folders = [""]
    while let folder = folders.popLast() {
        let absolute = folder.isEmpty ? root : "\(root)/\(folder)"
        guard let stream = opendir(absolute) else {
            if errno == ENOENT || errno == ENOTDIR, !folder.isEmpty { continue }
            throw SystemCallError(call: "opendir", subject: absolute)
        }
        defer { closedir(stream) }
        let descriptor = dirfd(stream)
        while let entry = readdir(stream) {
            var status = stat()
            var result: Int32 = 0
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                let text = UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self)
                result = fstatat(descriptor, text, &status, AT_SYMLINK_NOFOLLOW)
                return String(cString: text)
            }
            if name == "." || name == ".." || result != 0 { continue }
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            try visit(path, status)
            if status.st_mode & S_IFMT == S_IFDIR { folders.append(path) }
        }
    }
}

/// Whether a directory of a layer hides those of the layers below it.
func isOpaqueDirectory(_ path: String) -> Bool {
    var value: UInt8 = 0
    return skiff_get_attribute(path, "trusted.overlay.opaque", &value, 1) == 1 && value == UInt8(ascii: "y")
}
