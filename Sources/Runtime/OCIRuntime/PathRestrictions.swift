import Glibc
import LinuxKernel

/// Hides and write-protects paths of /proc and /sys; runs with the container's root as `/`.
enum PathRestrictions {
    /// Covers files with /dev/null and directories with an empty read-only tmpfs. Paths that do not exist stay so.
    static func mask(_ paths: [String]) throws(RuntimeError) {
        if paths.isEmpty { return }
        let null = try nullDevice()
        var empty: SharedDescriptor?
        for path in paths {
            do throws(SystemCallError) {
                let target = try openFile(path, O_PATH)
                var status = stat()
                let raw = target.rawValue
                try systemCall("fstat", path) { fstat(raw, &status) }
                if status.st_mode & S_IFMT == S_IFDIR {
                    if let first = empty?.rawValue {
                        let tree = try openTree("", at: first, recursively: false)
                        try moveMount(tree.rawValue, onto: raw, named: path)
                    } else {
                        let tree = try emptyDirectory()
                        try moveMount(tree.rawValue, onto: raw, named: path)
                        empty = SharedDescriptor(tree)
                    }
                } else {
                    let tree = try openTree("", at: null.rawValue, recursively: false)
                    try moveMount(tree.rawValue, onto: raw, named: path)
                }
            } catch  where error.errno == ENOENT || error.errno == ENOTDIR {
                continue
            } catch {
                throw RuntimeError(.setupFailed, "masking \(path): \(error)", errno: error.errno)
            }
        }
    }

    /// The container's /dev/null, made sure to be it: what covers a secret must not be a link to somewhere else.
    private static func nullDevice() throws(RuntimeError) -> Descriptor {
        try step("/dev/null") { () throws(SystemCallError) in
            let device = try openFile("/dev/null", O_PATH | O_NOFOLLOW)
            var status = stat()
            let raw = device.rawValue
            try systemCall("fstat", "/dev/null") { fstat(raw, &status) }
            guard status.st_mode & S_IFMT == S_IFCHR, deviceNumbers(status.st_rdev) == (1, 3) else {
                throw SystemCallError(call: "fstat", errno: ENODEV, subject: "/dev/null")
            }
            return device
        }
    }

    private static func emptyDirectory() throws(SystemCallError) -> Descriptor {
        let context = try FilesystemContext(type: "tmpfs")
        try context.set("size", "0k")
        return try context.mounted([.readOnly, .noSetUID, .noDevices, .noExecute])
    }

    /// Makes each path a read-only mount, with what is mounted below.
    static func protect(_ paths: [String]) throws(RuntimeError) {
        for path in paths {
            do throws(SystemCallError) {
                let tree = try openTree(path, recursively: true)
                try changeMount(tree.rawValue, set: .readOnly, recursively: true)
                try moveMount(tree.rawValue, to: path)
            } catch  where error.errno == ENOENT {
                continue
            } catch {
                throw RuntimeError(.setupFailed, "making \(path) read-only: \(error)", errno: error.errno)
            }
        }
    }
}
