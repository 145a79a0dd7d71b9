import Glibc
import LinuxKernel
import Synchronization

/// Which volumes are in use: by containers, which the caller knows, and by those that are just being made.
extension VolumeStore {
    /// Keeps a volume from being removed until `letGo`.
    func hold(_ name: String) { held.withLock { $0[name, default: 0] += 1 } }

    func letGo(_ names: [String]) {
        held.withLock { held in
            for name in names {
                guard let count = held[name] else { continue }
                held[name] = count > 1 ? count - 1 : nil
            }
        }
    }

    /// Removes a volume with its files, unless it is used. It is gone for everybody at once, also after a crash.
    /// - Parameter isUsed: whether a container has it; asked while no container can take hold of it
    /// - Returns: false where it is used or does not exist
    func removeUnused(_ name: String, isUsed: () -> Bool) throws -> Bool {
        guard VolumeName.isValid(name) else { return false }
        let removed = "\(root)/\(Self.removedPrefix)\(randomID())"
        let isMine = try locks.with(name) {
            try held.withLock { held in
                guard held[name] == nil, !isUsed() else { return false }
                if rename("\(root)/\(name)", removed) == 0 { return true }
                if errno == ENOENT { return false }
                throw EngineError(
                    .systemCallFailed, "cannot remove volume \(name): \(SystemCallError(call: "rename"))")
            }
        }
        guard isMine else { return false }
        configured.withLock { $0[name] = nil }
        try Self.removeTree(removed)
        return true
    }

    /// What a crash left of volumes that were being made or removed.
    func clearStaged() throws {
        let folder = try openFile(root, O_RDONLY | O_DIRECTORY)
        for name in try directoryNames(of: folder.rawValue).map(displayName)
        where name.hasPrefix(Self.removedPrefix) || name.hasPrefix(Self.newPrefix) {
            try Self.removeTree("\(root)/\(name)")
        }
    }
}
