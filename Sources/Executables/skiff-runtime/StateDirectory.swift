import Glibc
import LinuxKernel

/// In this target a descriptor is the kernel's, not the image specification's.
typealias Descriptor = LinuxKernel.Descriptor

enum StateDirectory {
    /// Removes a container's state directory with the few files that are in it.
    static func remove(_ directory: String) throws(CommandError) {
        guard let stream = opendir(directory) else {
            let error = SystemCallError(call: "opendir", subject: directory)
            if error.errno == ENOENT { return }
            throw CommandError("\(error)")
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { unlink("\(directory)/\(name)") }
        }
        try system("container state") { () throws(SystemCallError) in
            try systemCall("rmdir", directory) { rmdir(directory) }
        }
    }

    /// Ids of all containers below the root, sorted.
    static func identifiers(_ root: String) throws(CommandError) -> [String] {
        guard let stream = opendir(root) else {
            let error = SystemCallError(call: "opendir", subject: root)
            if error.errno == ENOENT { return [] }
            throw CommandError("\(error)")
        }
        defer { closedir(stream) }
        var result: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { result.append(name) }
        }
        return result.sorted()
    }
}

enum PidFile {
    /// Seen whole or not at all: callers wait for it to appear.
    static func write(_ path: String, _ pid: Int32) throws(CommandError) {
        try system("pid file") { () throws(SystemCallError) in try replaceFile(path, String(pid).utf8) }
    }
}

enum ConsoleSocket {
    /// Gives a terminal's master to whoever listens at `path` (runc's terminals document: any payload, one descriptor).
    static func send(_ console: SharedDescriptor, to path: String) throws(CommandError) {
        try system("console socket \(path)") { () throws(SystemCallError) in
            let slash = path.lastIndex(of: "/")
            let directory = slash.map { String(path[..<$0]) } ?? "."
            let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
            let socket = try connectUnix(directory: directory.isEmpty ? "/" : directory, name: name)
            _ = try sendMessage(socket.rawValue, Array("/dev/ptmx".utf8)[...], [console])
        }
    }
}
