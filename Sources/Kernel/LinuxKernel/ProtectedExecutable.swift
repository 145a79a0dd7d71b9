import CLinux
import Glibc

/// A program that can be executed and, for whoever runs inside a container, not be changed.
///
/// A process that enters a container is visible there: through its /proc/<pid>/exe the container's root could open the
/// host's program and write to it (CVE-2019-5736). Executed through a read-only mount of its own, that way ends in EROFS.
/// The mount is attached nowhere and goes with the last process that uses it.
package enum ProtectedExecutable {
    /// A descriptor of `path` on such a mount, for execveat(2) or `skiff_spawn`.
    package static func open(_ path: String) throws(SystemCallError) -> Descriptor {
        let tree = try openTree(path, recursively: false)
        try changeMount(tree.rawValue, set: .readOnly, propagation: .private)
        return tree
    }

    /// Whether this process runs from a mount that is read-only.
    package static var isOwn: Bool {
        var status = statvfs()
        return statvfs("/proc/self/exe", &status) == 0 && status.f_flag & UInt(ST_RDONLY) != 0
    }

    /// Executes this very program again from a protected mount, unless it already runs from one.
    /// - Throws: where it cannot; the process goes on as it was
    package static func becomeProtected(_ arguments: [String]) throws(SystemCallError) {
        if isOwn { return }
        let program = try open("/proc/self/exe")
        // A detached mount has no path: the program's own goes along as its name.
        var name = [UInt8](repeating: 0, count: 4096)
        let length = try systemCall("readlink", "/proc/self/exe") {
            name.withUnsafeMutableBytes {
                readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
            }
        }
        let own = String(decoding: name[..<length], as: UTF8.self)
        var argv = ([own] + arguments.dropFirst()).map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        let raw = program.rawValue
        try rawCall("execveat") { skiff_execute_descriptor(raw, &argv, environ) }
    }
}
