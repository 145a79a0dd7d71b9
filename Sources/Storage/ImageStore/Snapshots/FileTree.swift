import CLinux
import Glibc
import LinuxKernel

/// The files of a tree and what tells whether one was changed, in memory.
final class FileTree {
    struct Difference {
        let path: String
        let kind: LayerChange.Kind
        /// Bytes of a regular file that is new or another, counted once for all its names.
        let size: Int64
    }

    private final class Node {
        var status: stat
        var children: [[CChar]: Node] = [:]

        init(_ status: stat) { self.status = status }

        var isDirectory: Bool { status.st_mode & S_IFMT == S_IFDIR }

        /// As Docker's comparison of two directories does it.
        func isSame(as other: Node) -> Bool {
            let (a, b) = (status, other.status)
            guard a.st_mode == b.st_mode, a.st_uid == b.st_uid, a.st_gid == b.st_gid,
                a.st_rdev == b.st_rdev
            else { return false }
            if isDirectory { return true }
            return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec
                && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec
        }
    }

    private let root: Node

    private static let depthLimit = 1000

    init() {
        var status = stat()
        status.st_mode = S_IFDIR
        root = Node(status)
    }

    /// Adds a folder's files over those that are there, as a layer: its whiteouts take away.
    func read(_ folder: String) throws(SystemCallError) {
        let top = try openFile(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        try read(top.rawValue, into: root, depth: 0)
    }

    private func read(_ directory: Int32, into node: Node, depth: Int) throws(SystemCallError) {
        guard depth < Self.depthLimit else { throw SystemCallError(call: "openat", errno: ENAMETOOLONG) }
        for name in try directoryNames(of: directory) {
            var status = stat()
            if fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 {
                guard errno == ENOENT else {
                    throw SystemCallError(call: "fstatat", subject: displayName(name))
                }
                continue
            }
            if LayerUnpacker.isWhiteout(status) {
                node.children[name] = nil
                continue
            }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                node.children[name] = Node(status)
                continue
            }
            let opened = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if opened < 0, [ENOENT, ENOTDIR, ELOOP].contains(errno) { continue }
            let child = Descriptor(owning: try systemCall("openat", displayName(name)) { opened })
            try read(child.rawValue, into: merged(name, status, child.rawValue, in: node), depth: depth + 1)
        }
    }

    private func merged(_ name: [CChar], _ status: stat, _ directory: Int32, in node: Node) -> Node {
        var value: UInt8 = 0
        let isOpaque =
            skiff_fgetxattr(directory, "trusted.overlay.opaque", &value, 1) == 1 && value == UInt8(ascii: "y")
        if let existing = node.children[name], existing.isDirectory, !isOpaque {
            existing.status = status
            return existing
        }
        let new = Node(status)
        node.children[name] = new
        return new
    }

    func remove(_ path: [UInt8]) {
        var node = root
        let components = path.split(separator: UInt8(ascii: "/")).map {
            $0.map(CChar.init(bitPattern:)) + [0]
        }
        for component in components.dropLast() {
            guard let next = node.children[component] else { return }
            node = next
        }
        if let last = components.last { node.children[last] = nil }
    }

    /// What has to be done to `base` to make it this tree; directories in which something changed are among it.
    func differences(from base: FileTree) -> [Difference] {
        var found: [Difference] = []
        var counted: Set<UInt64> = []
        compare(root, base.root, "", &found, &counted)
        return found
    }

    private func compare(
        _ new: Node, _ old: Node?, _ path: String, _ found: inout [Difference], _ counted: inout Set<UInt64>
    ) {
        for (name, child) in new.children {
            let path = "\(path)/\(displayName(name))"
            let before = old?.children[name]
            let count = found.count
            compare(child, before, path, &found, &counted)
            if let before, child.isSame(as: before), found.count == count { continue }
            found.append(
                Difference(
                    path: path, kind: before == nil ? .added : .modified, size: size(child, before, &counted))
            )
        }
        for (name, _) in old?.children ?? [:] where new.isDirectory && new.children[name] == nil {
            found.append(Difference(path: "\(path)/\(displayName(name))", kind: .deleted, size: 0))
        }
    }

    private func size(_ node: Node, _ before: Node?, _ counted: inout Set<UInt64>) -> Int64 {
        guard node.status.st_mode & S_IFMT == S_IFREG else { return 0 }
        if let before, node.isSame(as: before) { return 0 }
        if node.status.st_nlink > 1, !counted.insert(UInt64(node.status.st_ino)).inserted { return 0 }
        return Int64(node.status.st_size)
    }
}
