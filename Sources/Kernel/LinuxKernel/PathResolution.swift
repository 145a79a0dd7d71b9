import CLinux
package import Glibc

/// Opens a place in the file tree without the file's own content (open(2)); Glibc's module leaves it out.
package let O_PATH: Int32 = 0o10_000_000

/// How far a lookup may go (openat2(2), `RESOLVE_*`).
package struct PathResolution: OptionSet, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let noCrossingMounts = PathResolution(rawValue: 0x1)
    package static let noMagicLinks = PathResolution(rawValue: 0x2)
    package static let noSymlinks = PathResolution(rawValue: 0x4)
    /// Leaving the directory is an error.
    package static let beneath = PathResolution(rawValue: 0x8)
    /// The directory is `/`: absolute links and `..` stay inside.
    package static let inRoot = PathResolution(rawValue: 0x10)
}

/// Opens `path` below `directory`, without leaving it.
package func openBelow(
    _ directory: Int32, _ path: String, _ flags: Int32, mode: mode_t = 0,
    _ resolution: PathResolution = .inRoot
) throws(SystemCallError) -> Descriptor {
    try openBelow(directory, Array(path.utf8CString), flags, mode: mode, resolution)
}

/// The same for a path of bytes that need not be UTF-8, with its closing NUL.
package func openBelow(
    _ directory: Int32, _ path: [CChar], _ flags: Int32, mode: mode_t = 0,
    _ resolution: PathResolution = .inRoot
) throws(SystemCallError) -> Descriptor {
    while true {
        do throws(SystemCallError) {
            return Descriptor(
                owning: try rawCall("openat2", displayName(path)) {
                    skiff_openat2(
                        directory, path, UInt64(UInt32(bitPattern: flags)), UInt64(mode), resolution.rawValue)
                })
        } catch  where error.errno == EAGAIN {
            continue  // a rename elsewhere made the kernel unsure that it stayed inside
        }
    }
}
