import CLinux
import Glibc
import LinuxKernel

/// Finds out by trying whether a file system carries overlays: layers with their whiteouts, and writable layers.
enum OverlaySupport {
    /// - Parameter folder: an empty one on the file system, which is used and left
    /// - Returns: why not; nil where it does
    static func obstacle(in folder: String) -> String? {
        do {
            do {
                try attempt(in: folder + "/1", lowerKey: "lowerdir+")
            } catch {
                // Linux before 6.5 knows only the other.
                try attempt(in: folder + "/2", lowerKey: "lowerdir")
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private static func attempt(in folder: String, lowerKey: String) throws {
        let (lower, upper, work) = (folder + "/lower", folder + "/upper", folder + "/work")
        for path in [lower, upper, work, lower + "/folder"] { try makeDirectories(path, mode: 0o700) }
        _ = try openFile(lower + "/file", O_WRONLY | O_CREAT, mode: 0o600)
        try systemCall("mknod of a whiteout", lower) { mknod(lower + "/whiteout", S_IFCHR, 0) }
        try rawCall("setxattr trusted.overlay.opaque", lower) {
            skiff_set_attribute_at(lower + "/folder", "trusted.overlay.opaque", "y", 1)
        }
        let context = try FilesystemContext(type: "overlay")
        try context.set("source", "overlay")
        for (name, path) in [(lowerKey, lower), ("upperdir", upper), ("workdir", work)] {
            try context.set(name, path)
        }
        let root = try context.mounted()
        // A file of the lower layer is deleted, which leaves a whiteout above.
        try systemCall("unlinkat in an overlay") { unlinkat(root.rawValue, "file", 0) }
        var status = stat()
        try systemCall("lstat", upper) { lstat(upper + "/file", &status) }
        guard LayerUnpacker.isWhiteout(status) else {
            throw SystemCallError(call: "whiteout", errno: EOPNOTSUPP, subject: upper)
        }
    }
}
