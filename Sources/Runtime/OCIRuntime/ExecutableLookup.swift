import Glibc
import LinuxKernel

/// Finds a program inside the container as a shell would; messages are those of Go's `os/exec`, which Docker's are.
enum ExecutableLookup {
    private static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// - Returns: the path to execute
    static func find(_ name: String, environment: [String]) throws(RuntimeError) -> String {
        if name.utf8.contains(UInt8(ascii: "/")) {
            try check(name)
            return name
        }
        guard !name.isEmpty else { throw RuntimeError(.executableNotFound, "exec: no command") }
        let variable = environment.last { $0.hasPrefix("PATH=") }
        let path = variable.map { String($0.dropFirst(5)) } ?? defaultPath
        for directory in path.split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = directory.isEmpty ? "./\(name)" : "\(directory)/\(name)"
            if isExecutable(candidate) == 0 { return candidate }
        }
        throw RuntimeError(
            .executableNotFound, "exec: \(quoted(name)): executable file not found in $PATH", errno: ENOENT)
    }

    /// 0 or the error number.
    private static func isExecutable(_ path: String) -> Int32 {
        var status = stat()
        guard stat(path, &status) == 0 else { return errno }
        if status.st_mode & S_IFMT == S_IFDIR { return EISDIR }
        return status.st_mode & 0o111 != 0 ? 0 : EACCES
    }

    private static func check(_ path: String) throws(RuntimeError) {
        let error = isExecutable(path)
        switch error {
        case 0: return
        case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG:
            let reason = String(cString: strerror(error)).lowercased()
            throw RuntimeError(
                .executableNotFound, "exec: \(quoted(path)): stat \(path): \(reason)", errno: error)
        case EISDIR:
            throw RuntimeError(.executableNotRunnable, "exec: \(quoted(path)): is a directory", errno: error)
        default:
            throw RuntimeError(
                .executableNotRunnable, "exec: \(quoted(path)): permission denied", errno: error)
        }
    }

    /// Replaces the process. Returns only to throw.
    static func execute(_ path: String, _ arguments: [String], environment: [String]) throws(RuntimeError)
        -> Never
    {
        let error = withCStrings(arguments) { argv in
            withCStrings(environment) { envp in
                execve(path, argv, envp)
                return errno
            }
        }
        let reason = error == ENOEXEC ? "exec format error" : String(cString: strerror(error)).lowercased()
        throw RuntimeError(
            error == ENOENT ? .executableNotFound : .executableNotRunnable, "exec \(path): \(reason)",
            errno: error)
    }

    private static func withCStrings<T>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> T
    ) -> T {
        var pointers = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
    }

    private static func quoted(_ text: String) -> String { "\"\(text)\"" }
}
