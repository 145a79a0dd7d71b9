import CLinux
import Glibc
import LinuxKernel

/// What layers replace and delete while they are copied one over the other: renamed into a folder of its own, which its
/// maker removes with everything in it. Names are bytes, and what goes may be large: nothing is deleted on the way.
final class DisplacedFiles {
    enum Outcome {
        /// The name is free, or a directory that can be filled.
        case free
        /// The layer deletes the name and puts nothing in its place.
        case deleted
    }

    private let folder: Descriptor
    private var count = 0

    /// - Parameter folder: an open directory on the file system of the copy
    init(folder: consuming Descriptor) { self.folder = folder }

    /// Clears the way for an entry of a layer.
    /// - Parameters:
    ///   - status: of the entry
    ///   - source: the directory that the entry is in
    ///   - target: the directory that it goes to
    func makeWay(
        for name: [CChar], _ status: stat, from source: Int32, in target: Int32
    ) throws(SystemCallError) -> Outcome {
        if LayerUnpacker.isWhiteout(status) {
            try displace(name, from: target)
            return .deleted
        }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        var existing = stat()
        if fstatat(target, name, &existing, AT_SYMLINK_NOFOLLOW) != 0 {
            guard errno == ENOENT else {
                throw SystemCallError(call: "fstatat", subject: displayName(name))
            }
            return .free
        }
        if isDirectory, existing.st_mode & S_IFMT == S_IFDIR, try !isOpaque(name, in: source) {
            return .free
        }
        try displace(name, from: target)
        return .free
    }

    /// Takes a name out of a directory; one that is not there is no error.
    func displace(_ name: [CChar], from directory: Int32) throws(SystemCallError) {
        count += 1
        if renameat(directory, name, folder.rawValue, String(count)) == 0 || errno == ENOENT { return }
        throw SystemCallError(call: "renameat", subject: displayName(name))
    }

    private func isOpaque(_ name: [CChar], in directory: Int32) throws(SystemCallError) -> Bool {
        let opened = try systemCall("openat", displayName(name)) {
            openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        let entry = Descriptor(owning: opened)
        var value: UInt8 = 0
        return skiff_fgetxattr(entry.rawValue, "trusted.overlay.opaque", &value, 1) == 1
            && value == UInt8(ascii: "y")
    }
}
