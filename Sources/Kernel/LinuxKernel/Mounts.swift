import CLinux
import Glibc

/// Flags of a mount as the mount API takes them (mount_setattr(2), `MOUNT_ATTR_*`).
package struct MountAttributes: OptionSet, Sendable, Hashable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let readOnly = MountAttributes(rawValue: 0x1)
    package static let noSetUID = MountAttributes(rawValue: 0x2)
    package static let noDevices = MountAttributes(rawValue: 0x4)
    package static let noExecute = MountAttributes(rawValue: 0x8)
    package static let noAccessTime = MountAttributes(rawValue: 0x10)
    package static let strictAccessTime = MountAttributes(rawValue: 0x20)
    /// The bits of which one access time mode is chosen; relative access time is none of them.
    package static let accessTimeMask = MountAttributes(rawValue: 0x70)
    package static let noDirectoryAccessTime = MountAttributes(rawValue: 0x80)
    package static let noSymlinks = MountAttributes(rawValue: 0x20_0000)
    package static let idMapped = MountAttributes(rawValue: 0x10_0000)
}

/// How mounts below a mount travel between namespaces (mount_namespaces(7)).
package enum MountPropagation: UInt64, Sendable {
    case shared = 0x10_0000
    case `private` = 0x4_0000
    case slave = 0x8_0000
    case unbindable = 0x2_0000
}

private let recursive: UInt32 = 0x8000
private let emptyPath: UInt32 = 0x1000
private let cloneTree: UInt32 = 1

/// A copy of the mount at `path` that is mounted nowhere yet, with the mounts below it where asked.
package func openTree(
    _ path: String, at directory: Int32 = AT_FDCWD, recursively: Bool
) throws(SystemCallError) -> Descriptor {
    let flags = cloneTree | (recursively ? recursive : 0) | (path.isEmpty ? emptyPath : 0)
    return Descriptor(owning: try rawCall("open_tree", path) { skiff_open_tree(directory, path, flags) })
}

/// Mounts a detached tree onto what `target` refers to, directory or file.
package func moveMount(_ tree: Int32, onto target: Int32, named name: String) throws(SystemCallError) {
    try rawCall("move_mount", name) { skiff_move_mount(tree, target) }
}

package func moveMount(_ tree: Int32, to path: String) throws(SystemCallError) {
    try rawCall("move_mount", path) { skiff_move_mount_path(tree, path) }
}

/// Changes a mount's flags and propagation (mount_setattr(2)).
/// - Parameter tree: a descriptor of the mount's root
package func changeMount(
    _ tree: Int32, set: MountAttributes = [], clear: MountAttributes = [],
    propagation: MountPropagation? = nil,
    recursively: Bool = false, userNamespace: Int32 = -1, named name: String = ""
) throws(SystemCallError) {
    try rawCall("mount_setattr", name) {
        skiff_mount_setattr(
            tree, "", emptyPath | (recursively ? recursive : 0), set.rawValue, clear.rawValue,
            propagation?.rawValue ?? 0, userNamespace)
    }
}

package func changeMount(
    at path: String, set: MountAttributes = [], clear: MountAttributes = [],
    propagation: MountPropagation? = nil,
    recursively: Bool = false
) throws(SystemCallError) {
    try rawCall("mount_setattr", path) {
        skiff_mount_setattr(
            AT_FDCWD, path, recursively ? recursive : 0, set.rawValue, clear.rawValue,
            propagation?.rawValue ?? 0,
            -1)
    }
}

/// mount(2). `flags` are `MS_*`.
package func mount(
    _ source: String, on target: String, type: String, flags: UInt64 = 0, data: String = ""
) throws(SystemCallError) {
    try rawCall("mount", "\(target) (\(type))") { skiff_mount(source, target, type, flags, data) }
}

package func unmount(_ path: String, flags: Int32 = 0) throws(SystemCallError) {
    try rawCall("umount2", path) { skiff_umount(path, flags) }
}

/// Makes the current directory the root, with the old root mounted on top of it (pivot_root(2), the note on `"."`).
package func pivotRootToCurrentDirectory() throws(SystemCallError) {
    try rawCall("pivot_root") { skiff_pivot_root(".", ".") }
}

/// A filesystem being configured (fsopen(2)); `mounted` ends in a detached mount.
package struct FilesystemContext: ~Copyable {
    private let descriptor: Descriptor
    private let type: String

    package init(type: String) throws(SystemCallError) {
        self.type = type
        descriptor = Descriptor(owning: try rawCall("fsopen", type) { skiff_fsopen(type) })
    }

    package func set(_ key: String, _ value: String) throws(SystemCallError) {
        let raw = descriptor.rawValue
        try rawCall("fsconfig", "\(type) \(key)=\(value)") { skiff_fsconfig_string(raw, key, value) }
    }

    package func set(_ key: String) throws(SystemCallError) {
        let raw = descriptor.rawValue
        try rawCall("fsconfig", "\(type) \(key)") { skiff_fsconfig_flag(raw, key) }
    }

    package func mounted(_ attributes: MountAttributes = []) throws(SystemCallError) -> Descriptor {
        let raw = descriptor.rawValue
        try rawCall("fsconfig", "\(type)\(reason)") { skiff_fsconfig_create(raw) }
        return Descriptor(owning: try rawCall("fsmount", type) { skiff_fsmount(raw, attributes.rawValue) })
    }

    /// What the filesystem says about the last failure, in brackets; empty where it says nothing.
    private var reason: String {
        let raw = descriptor.rawValue
        var text = [CChar](repeating: 0, count: 512)
        var all = ""
        while skiff_fscontext_message(raw, &text, 511) > 0 {
            all +=
                " ("
                + text.prefix { $0 != 0 && $0 != 10 }.map { String(UnicodeScalar(UInt8(bitPattern: $0))) }
                .joined() + ")"
            text = [CChar](repeating: 0, count: 512)
        }
        return all
    }
}
