import Glibc
import LinuxKernel

/// The layer below every image: the places where a container gets its own files and file systems, and `/etc/mtab`, for
/// images that lack them. What an image has itself lies above and stays as it is; nothing has to be made in a
/// container's writable layer at its start, so `diff` shows only what the container changed.
enum MountPointsLayer {
    /// Its folder below `overlay2`; no container id and no digest looks like it.
    static let name = "mountpoints"

    private static let folders = ["dev", "dev/pts", "dev/shm", "proc", "sys", "etc"]
    private static let files = ["dev/console", "etc/hostname", "etc/hosts", "etc/resolv.conf", ".dockerenv"]

    /// A folder with nothing in it: the lowest layer of images that are mounted alone.
    static func emptyFolder(in overlay: String) -> String { "\(overlay)/\(name)/empty" }

    /// Makes what is missing of it.
    static func make(in overlay: String) throws(SystemCallError) {
        let root = "\(overlay)/\(name)/diff"
        try makeDirectories(root, mode: 0o755)
        try makeDirectories(emptyFolder(in: overlay), mode: 0o755)
        for folder in folders { try makeDirectories("\(root)/\(folder)", mode: 0o755) }
        for file in files where !fileExists("\(root)/\(file)") {
            _ = try openFile("\(root)/\(file)", O_WRONLY | O_CREAT, mode: 0o755)
        }
        guard symlink("/proc/mounts", "\(root)/etc/mtab") == 0 || errno == EEXIST else {
            throw SystemCallError(call: "symlink", subject: "\(root)/etc/mtab")
        }
    }
}
