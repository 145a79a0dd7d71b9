import CLinux
package import Glibc

/// mknodat(2). `mode` holds type and permission bits.
package func makeNode(
    _ name: String, at directory: Int32, mode: mode_t, major: UInt32, minor: UInt32
) throws(SystemCallError) {
    try rawCall("mknodat", name) { skiff_mknod_at(directory, name, mode, major, minor) }
}

/// The two numbers of a `st_rdev` or `st_dev`.
package func deviceNumbers(_ device: dev_t) -> (major: UInt32, minor: UInt32) {
    (skiff_major(UInt64(device)), skiff_minor(UInt64(device)))
}
