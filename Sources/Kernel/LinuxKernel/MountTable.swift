/// One line of /proc/<pid>/mountinfo (proc_pid_mountinfo(5)).
package struct MountTableEntry: Sendable, Equatable {
    package let id: Int
    package let parent: Int
    /// The directory of the filesystem that is mounted, `/` for all of it.
    package let root: String
    package let mountPoint: String
    /// Options of this mount: `ro`, `nosuid`, …
    package let options: [String]
    /// `shared:1`, `master:2`, `propagate_from:3`, `unbindable`.
    package let propagation: [String]
    package let type: String
    package let source: String
    /// Options of the filesystem.
    package let superOptions: [String]

    /// Nil where the line is none of the format.
    package init?(line: Substring) {
        let fields: [Substring] = line.split(separator: " ")
        guard fields.count >= 9, let separator = fields[6...].firstIndex(of: "-"),
            fields.count > separator + 2,
            let id = Int(fields[0]), let parent = Int(fields[1])
        else { return nil }
        self.id = id
        self.parent = parent
        root = Self.unescaped(fields[3])
        mountPoint = Self.unescaped(fields[4])
        options = fields[5].split(separator: ",").map(String.init)
        propagation = fields[6..<separator].map(String.init)
        type = String(fields[separator + 1])
        source = Self.unescaped(fields[separator + 2])
        superOptions =
            fields.count > separator + 3 ? fields[separator + 3].split(separator: ",").map(String.init) : []
    }

    /// The kernel writes space, tab, newline and backslash as three octal digits.
    private static func unescaped(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), index + 3 < bytes.count,
                let value = UInt8(String(decoding: bytes[(index + 1)...(index + 3)], as: UTF8.self), radix: 8)
            {
                result.append(value)
                index += 4
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// The mounts that process `pid` (or `self`) sees, in the order of the kernel's list.
package func mountTable(of process: String = "self") throws(SystemCallError) -> [MountTableEntry] {
    String(decoding: try readFile("/proc/\(process)/mountinfo"), as: UTF8.self)
        .split(separator: "\n").compactMap { MountTableEntry(line: $0) }
}
