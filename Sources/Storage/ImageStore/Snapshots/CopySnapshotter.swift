import CLinux
import Glibc
import LinuxKernel

/// Root file systems that are copies of all layers, one over the other. Blocks are shared where the file system can
/// (reflinks); elsewhere a container costs its image's size. For file systems that carry no overlay, such as another
/// overlay.
struct CopySnapshotter: Snapshotter {
    var driver: StorageDriver { .vfs }

    /// Copies beside its place, syncs, renames: what a crash leaves is never taken for a root file system.
    func make(_ snapshot: Snapshot) throws {
        if fileExists(snapshot.content) { return }
        let (copy, displaced) = (snapshot.folder + "/diff.new", snapshot.folder + "/displaced")
        for leftover in [copy, displaced] {
            try removeTree(leftover)
            try makeFolder(leftover, mode: 0o700)
        }
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        let target = try openFile(copy, flags)
        let taken = DisplacedFiles(folder: try openFile(displaced, flags))
        for layer in snapshot.lower.reversed() {
            let hidden = try HiddenPaths(in: Self.parent(of: layer))
            try hidden.apply(to: target.rawValue, displaced: taken)
            let source = try openFile(layer, flags)
            try TreeCopy.apply(layer: source.rawValue, to: target.rawValue, displaced: taken)
        }
        try removeTree(displaced)
        try snapshot.setRootAttributes(of: copy)
        let raw = target.rawValue
        try rawCall("syncfs", copy) { skiff_sync_file_system(raw) }
        try systemCall("rename", copy) { rename(copy, snapshot.content) }
    }

    func lowerFolders(of snapshot: Snapshot) -> [String] { [] }

    func size(of snapshot: Snapshot) throws -> Int64 {
        try compare(snapshot).reduce(0) { $0 + $1.size }
    }

    func changes(of snapshot: Snapshot) throws -> [LayerChange] {
        try compare(snapshot).map { LayerChange(path: $0.path, kind: $0.kind) }.sorted { $0.path < $1.path }
    }

    private func compare(_ snapshot: Snapshot) throws -> [FileTree.Difference] {
        let image = FileTree()
        for layer in snapshot.lower.reversed() {
            for path in try HiddenPaths(in: Self.parent(of: layer)).paths { image.remove(path) }
            try image.read(layer)
        }
        let container = FileTree()
        try container.read(snapshot.content)
        return container.differences(from: image)
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
