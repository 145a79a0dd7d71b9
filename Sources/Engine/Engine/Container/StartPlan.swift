import Glibc
import LinuxKernel
import Networking
import ShimProtocol

/// Everything that a start needs, decided; nothing of it runs yet.
struct StartPlan: Sendable {
    var endpoints: [Endpoint]
    var request: CreateRequest
    /// Path and content of what is mounted into `/etc`; written in place, because the mounts hold the files.
    var files: [(path: String, content: String)]

    /// Blocks for the files' writes.
    func writeFiles() throws {
        for file in files { try Self.overwrite(file.path, file.content) }
    }

    static func overwrite(_ path: String, _ content: String) throws(SystemCallError) {
        let file = try openFile(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try writeAll(file.rawValue, content.utf8)
    }
}
