import Glibc
import LinuxKernel

/// Finds the programs that come with the daemon: beside it, else where a distribution puts them, else in PATH.
enum Companions {
    /// - Throws: `OptionError`, naming every place that was looked at
    static func find(_ name: String) throws -> String {
        let places = candidates(name)
        guard let found = places.first(where: { access($0, X_OK) == 0 }) else {
            throw OptionError("cannot find \(name): looked for \(places.joined(separator: ", "))")
        }
        return found
    }

    private static func candidates(_ name: String) -> [String] {
        var folders: [String] = []
        if let own = ownFolder() { folders += [own, "\(own)/../libexec/skiff"] }
        folders += ["/usr/local/libexec/skiff", "/usr/libexec/skiff", "/usr/lib/skiff"]
        if let path = getenv("PATH") {
            folders += String(cString: path).split(separator: ":").map(String.init).filter {
                $0.hasPrefix("/")
            }
        }
        return folders.map { "\($0)/\(name)" }
    }

    private static func ownFolder() -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return nil }
        let path = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) }
    }
}
