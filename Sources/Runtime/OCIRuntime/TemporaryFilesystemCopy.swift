import Glibc
import LinuxKernel

/// Fills a new tmpfs with what it covers (the mount option `tmpcopyup`).
enum TemporaryFilesystemCopy {
    /// - Parameter source: a descriptor of the covered directory
    static func fill(_ root: borrowing RootTree, _ destination: String, from source: Int32)
        throws(RuntimeError)
    {
        try step("copying the content of \(destination) into the tmpfs on it") { () throws(SystemCallError) in
            let from = try openFile(".", O_RDONLY | O_DIRECTORY, at: source)
            let to = try root.open(destination, O_RDONLY | O_DIRECTORY)
            try copyDirectory(from.rawValue, to.rawValue)
        }
    }

    private static func copyDirectory(_ from: Int32, _ to: Int32) throws(SystemCallError) {
        for name in try names(from) {
            var status = stat()
            try systemCall("fstatat", name) { fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                try systemCall("mkdirat", name) { mkdirat(to, name, 0o700) }
                let inner = try openFile(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, at: from)
                let target = try openFile(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, at: to)
                try copyDirectory(inner.rawValue, target.rawValue)
            case S_IFREG: try copyFile(name, from, to)
            case S_IFLNK: try copyLink(name, from, to)
            default:
                let numbers = deviceNumbers(status.st_rdev)
                try makeNode(name, at: to, mode: status.st_mode, major: numbers.major, minor: numbers.minor)
            }
            try systemCall("fchownat", name) {
                fchownat(to, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW)
            }
            if status.st_mode & S_IFMT != S_IFLNK {
                try systemCall("fchmodat", name) { fchmodat(to, name, status.st_mode & 0o7777, 0) }
            }
        }
    }

    private static func copyFile(_ name: String, _ from: Int32, _ to: Int32) throws(SystemCallError) {
        let source = try openFile(name, O_RDONLY | O_NOFOLLOW, at: from).take()
        defer { close(source) }
        let target = try openFile(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, at: to).take()
        defer { close(target) }
        while try systemCall("sendfile", name, { sendfile(target, source, nil, 1 << 30) }) > 0 {}
    }

    private static func copyLink(_ name: String, _ from: Int32, _ to: Int32) throws(SystemCallError) {
        var buffer = [CChar](repeating: 0, count: 4097)
        try systemCall("readlinkat", name) { readlinkat(from, name, &buffer, 4096) }
        try systemCall("symlinkat", name) { symlinkat(buffer, to, name) }
    }

    private static func names(_ directory: Int32) throws(SystemCallError) -> [String] {
        let copy = try openFile(".", O_RDONLY | O_DIRECTORY, at: directory).take()
        guard let stream = fdopendir(copy) else {
            let error = SystemCallError(call: "fdopendir")
            close(copy)
            throw error
        }
        defer { closedir(stream) }
        var result: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { result.append(name) }
        }
        return result
    }
}
