import Glibc
import LinuxKernel

/// Deletes a file or a whole tree, however deep, without following links. What does not exist is no failure.
func removeTree(_ path: String) throws(SystemCallError) {
    if unlink(path) == 0 || errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM else { throw SystemCallError(call: "unlink", subject: path) }
    while true {
        let folder: Descriptor
        do throws(SystemCallError) {
            folder = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch where error.errno == ENOENT {
            return
        }
        let removal = TreeRemoval(top: folder.rawValue)
        try removal.empty(folder.rawValue, depth: 0)
        // What lay too deep to recurse into was moved up; it is emptied in the next round.
        if removal.movedCount == 0 { break }
    }
    try systemCall("rmdir", path) { rmdir(path) }
}

private final class TreeRemoval {
    private let top: Int32
    private(set) var movedCount = 0

    private static let depthLimit = 100

    init(top: Int32) { self.top = top }

    func empty(_ directory: Int32, depth: Int) throws(SystemCallError) {
        let duplicate = try systemCall("openat") {
            openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard let stream = fdopendir(duplicate) else {
            close(duplicate)
            throw SystemCallError(call: "fdopendir")
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let type = Int32(entry.pointee.d_type)
            try withUnsafePointer(to: &entry.pointee.d_name) { pointer throws(SystemCallError) in
                let name = UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self)
                if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return }
                try remove(name, type, from: directory, depth: depth)
            }
        }
    }

    private func remove(
        _ name: UnsafePointer<CChar>, _ type: Int32, from directory: Int32, depth: Int
    ) throws(SystemCallError) {
        if type != Int32(DT_DIR) {
            if unlinkat(directory, name, 0) == 0 || errno == ENOENT { return }
            guard errno == EISDIR else { throw SystemCallError(call: "unlinkat", subject: String(cString: name)) }
        }
        if unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
        guard depth < Self.depthLimit else {
            movedCount += 1
            let target = "moved-\(movedCount)-\(UInt64.random(in: 0...UInt64.max))"
            try systemCall("renameat", target) { renameat(directory, name, top, target) }
            return
        }
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let child = Descriptor(
            owning: try systemCall("openat", String(cString: name)) { openat(directory, name, flags) })
        try empty(child.rawValue, depth: depth + 1)
        try systemCall("unlinkat", String(cString: name)) { unlinkat(directory, name, AT_REMOVEDIR) }
    }
}

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
