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
            // An unmount may have failed when the last user went; what is mounted is not the engine's to remove.
            if options(of: name)?.needsMount == true, users.withLock({ $0[name] == nil }) {
                try Self.unmount(path(of: name))
            }
            return try held.withLock { held in
                guard held[name] == nil, !isUsed() else { return false }
                if rename("\(root)/\(name)", removed) == 0 { return true }
                if errno == ENOENT { return false }
                throw EngineError(
                    .systemCallFailed, "cannot remove volume \(name): \(SystemCallError(call: "rename"))")
            }
        }
        guard isMine else { return false }
        configured.withLock { $0[name] = nil }
        try removeFolder(removed)
        return true
    }

    /// What a crash left of volumes that were being made or removed. Where containers were paused for a copy it stays
    /// until they go on; what cannot be removed now is tried again then, and told of.
    func clearStaged() throws {
        for folder in try stagedFolders() where !fileExists("\(folder)/\(Self.pausedName)") {
            try? removeFolder(folder)
        }
    }

    private func stagedFolders() throws -> [String] {
        let folder = try openFile(root, O_RDONLY | O_DIRECTORY)
        return try directoryNames(of: folder.rawValue).map(displayName)
            .filter { $0.hasPrefix(Self.removedPrefix) || $0.hasPrefix(Self.newPrefix) }
            .map { "\(root)/\($0)" }
    }

    // MARK: Containers that are paused for a copy

    private static var pausedName: String { "paused" }

    /// Says, durably, which containers are about to be paused: who finds it after a crash lets them go on.
    func notePaused(_ ids: [String], in staged: String) throws {
        try replaceFile(
            "\(staged)/\(Self.pausedName)", Array(ids.joined(separator: "\n").utf8), mode: 0o600,
            durable: true)
    }

    func forgetPaused(in staged: String) throws {
        let path = "\(staged)/\(Self.pausedName)"
        try systemCall("unlink", path) { unlink(path) }
    }

    /// Containers that a crash left paused.
    func leftPaused() throws -> [String] {
        try stagedFolders().map { "\($0)/\(Self.pausedName)" }.filter(fileExists).flatMap {
            String(decoding: try readFile($0), as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    /// They go on: what was left of the copies goes.
    func clearPaused() throws {
        for folder in try stagedFolders() { try removeFolder(folder) }
    }
}
