import CLinux
import Glibc

/// The kind of file system that a path lies on, as Docker's `Backing Filesystem` names it.
enum FileSystemName {
    private static let names: [UInt64: String] = [
        0xEF53: "extfs", 0x5846_5342: "xfs", 0x9123_683E: "btrfs", 0x0102_1994: "tmpfs",
        0x794C_7630: "overlayfs",
        0x2FC1_2FC1: "zfs", 0xF2F5_2010: "f2fs", 0xCA45_1A4E: "bcachefs",
    ]

    static func name(of path: String) -> String {
        // The kernel's struct statfs is 120 bytes and begins with the type, a long.
        var status = [UInt64](repeating: 0, count: 32)
        let result = status.withUnsafeMutableBytes { buffer in
            path.withCString { text in
                skiff_syscall(
                    137, Int(bitPattern: text), Int(bitPattern: buffer.baseAddress), 0, 0, 0, 0)
            }
        }
        return result == 0 ? names[status[0]] ?? "<unknown>" : "<unknown>"
    }
}
