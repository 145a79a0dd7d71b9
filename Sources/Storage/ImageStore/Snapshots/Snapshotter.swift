import Glibc
import LinuxKernel

/// How containers get a root file system from unpacked layers.
package enum StorageDriver: String, Sendable, Codable, CaseIterable {
    /// The kernel's overlay shows the layers as one tree; a container has what it changes.
    case overlay2
    /// Each container has a copy of everything, for file systems that carry no overlay.
    case vfs
}

/// What a container's root file system is made of.
struct Snapshot: Sendable {
    /// The container's folder, which the snapshotter fills.
    let folder: String
    /// Folders of the unpacked layers, topmost first, the mount points last.
    let lower: [String]
    /// Of the container's root directory, as the image has it.
    let root: RootAttributes?

    /// The writable layer, or the whole root file system.
    var content: String { folder + "/diff" }
}

/// Makes containers' root file systems; one for each `StorageDriver`. Blocking and thread-safe.
protocol Snapshotter: Sendable {
    var driver: StorageDriver { get }

    /// Fills the folder of a new container, which exists; a folder that is filled already stays as it is. What a crash
    /// leaves of it is no container: the next call begins again.
    func make(_ snapshot: Snapshot) throws

    /// Where the parts are, for the mount and for people.
    /// - Returns: folders of read-only layers, topmost first; none where the content is all
    func lowerFolders(of snapshot: Snapshot) -> [String]

    /// Bytes of the regular files that the container added or changed, each counted once.
    func size(of snapshot: Snapshot) throws -> Int64

    /// What the container changed, as `docker diff`, in the order of paths.
    func changes(of snapshot: Snapshot) throws -> [LayerChange]
}

extension Snapshot {
    /// The overlay shows the upper directory's owner and mode as those of the container's root.
    func setRootAttributes(of path: String) throws(SystemCallError) {
        if let root, root.uid | root.gid != 0 {
            try systemCall("chown", path) { chown(path, root.uid, root.gid) }
        }
        let mode = root?.mode ?? 0o755
        try systemCall("chmod", path) { chmod(path, mode) }
    }
}
