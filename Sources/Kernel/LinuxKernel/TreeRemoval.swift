import Glibc

/// Removes what is at `path`, a directory with everything below it included. Never follows a symbolic link nor enters
/// what is mounted below (removing that fails with EBUSY). Holds one descriptor a level. A path that does not exist is
/// no error.
package func removeTree(_ path: String) throws(SystemCallError) {
    if unlink(path) == 0 || errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM else { throw SystemCallError(call: "unlink", subject: path) }
    do throws(SystemCallError) {
        var removal = TreeRemoval()
        try removal.empty(try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
    } catch {
        if error.errno == ENOENT { return }
        throw SystemCallError(call: error.call, errno: error.errno, subject: "\(path): \(error.subject)")
    }
    if rmdir(path) != 0, errno != ENOENT { throw SystemCallError(call: "rmdir", subject: path) }
}

private struct TreeRemoval {
    private final class Frame {
        let directory: Descriptor
        let name: [CChar]
        /// Directories that are still to be emptied.
        var pending: [[CChar]] = []

        init(_ directory: consuming Descriptor, name: [CChar]) {
            self.directory = directory
            self.name = name
        }
    }

    private var stack: [Frame] = []

    mutating func empty(_ directory: consuming Descriptor) throws(SystemCallError) {
        stack.append(Frame(directory, name: []))
        try unlinkFiles(in: stack[0])
        while let frame = stack.last {
            let raw = frame.directory.rawValue
            if let name = frame.pending.popLast() {
                let child = Descriptor(
                    owning: try systemCall("openat", displayName(name)) {
                        openat(raw, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                    })
                let next = Frame(child, name: name)
                try unlinkFiles(in: next)
                stack.append(next)
            } else {
                stack.removeLast()
                guard let parent = stack.last else { return }
                let directory = parent.directory.rawValue
                try systemCall("unlinkat", displayName(frame.name)) {
                    unlinkat(directory, frame.name, AT_REMOVEDIR)
                }
            }
        }
    }

    private func unlinkFiles(in frame: Frame) throws(SystemCallError) {
        let raw = frame.directory.rawValue
        for name in try directoryNames(of: raw) {
            if unlinkat(raw, name, 0) == 0 || errno == ENOENT { continue }
            guard errno == EISDIR || errno == EPERM else {
                throw SystemCallError(call: "unlinkat", subject: displayName(name))
            }
            frame.pending.append(name)
        }
    }
}
