import Glibc
import LinuxKernel
import OCIModel

extension ImageStore {
    /// Bytes of the regular files in the writable layer (`SizeRw`), each counted once. Walks the folder.
    package func size(of layer: ContainerLayer) throws -> Int64 {
        var size: Int64 = 0
        var seen: Set<UInt64> = []
        try walkTree(paths(of: layer).upper) { _, status in
            guard status.st_mode & S_IFMT == S_IFREG else { return }
            if status.st_nlink > 1, !seen.insert(UInt64(status.st_ino)).inserted { return }
            size += Int64(status.st_size)
        }
        return size
    }

    /// What the container changed, as `docker diff`, in the order of paths.
    package func changes(of layer: ContainerLayer) throws -> [LayerChange] {
        let paths = paths(of: layer)
        var changes: [LayerChange] = []
        try walkTree(paths.upper) { path, status in
            let kind: LayerChange.Kind
            if LayerUnpacker.isWhiteout(status) {
                kind = .deleted
            } else {
                kind = Self.exists(path, in: paths.lower) ? .modified : .added
            }
            changes.append(LayerChange(path: "/" + path, kind: kind))
        }
        return changes.sorted { $0.path < $1.path }
    }

    /// Whether the layers show the path, the topmost first.
    private static func exists(_ path: String, in layers: [String]) -> Bool {
        let components = path.split(separator: "/")
        for layer in layers {
            var current = layer
            var isOpaque = false
            var isMissing = false
            for (index, component) in components.enumerated() {
                current += "/" + component
                var status = stat()
                guard lstat(current, &status) == 0 else {
                    isMissing = true
                    break
                }
                if LayerUnpacker.isWhiteout(status) { return false }
                if index == components.count - 1 { return true }
                guard status.st_mode & S_IFMT == S_IFDIR else { return false }
                isOpaque = isOpaque || isOpaqueDirectory(current)
            }
            if isMissing, isOpaque { return false }
        }
        return false
    }
}
