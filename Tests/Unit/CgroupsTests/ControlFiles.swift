@testable import Cgroups
import Glibc
import LinuxKernel
import Testing

/// A folder of plain files in the place of a control group: what a controller writes can be read back. The kernel's own
/// reactions are what the integration tests are for.
struct ControlFiles {
    let directory: CgroupDirectory

    static func with(_ files: [String: String], _ body: (ControlFiles) throws -> Void) throws {
        var template = Array("/tmp/skiff-cgroup-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template)).withMemoryRebound(to: CChar.self, capacity: 1) {
            String(cString: $0)
        }
        defer { try? removeTree(path) }
        for (name, content) in files { try replaceFile("\(path)/\(name)", content.utf8) }
        try body(ControlFiles(directory: CgroupDirectory(path: path)))
    }

    subscript(_ name: String) -> String {
        (try? readFile("\(directory.path)/\(name)")).map { String(decoding: $0, as: UTF8.self) } ?? "missing"
    }
}
