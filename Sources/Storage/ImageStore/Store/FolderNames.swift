import Glibc
import LinuxKernel

/// The names in a folder but `.` and `..`; none where there is no such folder.
func namesInFolder(_ path: String) throws(SystemCallError) -> [String] {
    guard let stream = opendir(path) else {
        if errno == ENOENT { return [] }
        throw SystemCallError(call: "opendir", subject: path)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}
