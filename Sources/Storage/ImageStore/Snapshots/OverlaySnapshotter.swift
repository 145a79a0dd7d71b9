import Glibc
import LinuxKernel

/// Writable layers for the kernel's overlay: `diff` is its upper directory, `work` its working directory, `lower` names
/// what lies below. The layers are never copied.
struct OverlaySnapshotter: Snapshotter {
    var driver: StorageDriver { .overlay2 }

    func make(_ snapshot: Snapshot) throws {
        let upper = snapshot.content
        if try makeFolder(upper, mode: 0o755) { try snapshot.setRootAttributes(of: upper) }
        try makeFolder(snapshot.folder + "/work", mode: 0o700)
        let lower = snapshot.folder + "/lower"
        if !fileExists(lower) {
            let base = snapshot.folder.lastIndex(of: "/").map { snapshot.folder[...$0] } ?? ""
            let names = snapshot.lower.map { $0.hasPrefix(base) ? $0.dropFirst(base.count) : $0[...] }
            let file = try openFile(lower, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
            try LinuxKernel.writeAll(file.rawValue, names.joined(separator: ":").utf8)
        }
    }

    func lowerFolders(of snapshot: Snapshot) -> [String] { snapshot.lower }

    func size(of snapshot: Snapshot) throws -> Int64 {
        var size: Int64 = 0
        var seen: Set<UInt64> = []
        try walkTree(snapshot.content) { _, status in
            guard status.st_mode & S_IFMT == S_IFREG else { return }
            if status.st_nlink > 1, !seen.insert(UInt64(status.st_ino)).inserted { return }
            size += Int64(status.st_size)
        }
        return size
    }

    func changes(of snapshot: Snapshot) throws -> [LayerChange] {
        var changes: [LayerChange] = []
        try walkTree(snapshot.content) { path, status in
            let kind: LayerChange.Kind
            if LayerUnpacker.isWhiteout(status) {
                kind = .deleted
            } else {
                kind = Self.exists(path, in: snapshot.lower) ? .modified : .added
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

/// - Returns: whether it is new
@discardableResult
func makeFolder(_ path: String, mode: mode_t) throws(SystemCallError) -> Bool {
    if mkdir(path, mode) == 0 { return true }
    guard errno == EEXIST else { throw SystemCallError(call: "mkdir", subject: path) }
    return false
}
