import CLinux
import Glibc
import ImageStore
import LinuxKernel
import Synchronization

/// Volumes of which the driver was told to mount something: it is mounted while somebody uses the volume, on `_data` as
/// Docker does, so that a daemon's death changes nothing for those who run with it.
extension VolumeStore {
    /// Makes a volume's files appear where they belong, for one user (a container, a copy) until `unmount`.
    /// - Throws: `EngineError` in Docker's words where it cannot be mounted, or its files are gone
    func mount(_ name: String, for user: String) throws {
        let path = path(of: name)
        // Waits for a copy for which those who use the volume are paused.
        try locks.with(name) {
            guard fileExists(path) else { throw Self.filesMissing(name, path) }
            if let options = options(of: name), options.needsMount, try !Self.isMounted(path) {
                try options.mount(on: path)
            }
            try finishCopyUp(name)
            users.withLock { _ = $0[name, default: []].insert(user) }
        }
    }

    /// Ends a use; the last one unmounts. Does nothing for who does not use it.
    func unmount(_ name: String, for user: String) throws {
        guard options(of: name)?.needsMount == true else {
            _ = endUse(name, by: user)
            return
        }
        try locks.with(name) { if endUse(name, by: user) { try Self.unmount(path(of: name)) } }
    }

    /// - Returns: whether it was the last
    private func endUse(_ name: String, by user: String) -> Bool {
        users.withLock { users in
            guard users[name]?.remove(user) != nil, users[name]?.isEmpty == true else { return false }
            users[name] = nil
            return true
        }
    }

    /// A container that a restarted engine found running.
    func adopt(_ name: String, by user: String) {
        users.withLock { _ = $0[name, default: []].insert(user) }
    }

    /// Unmounts what nobody uses: the engine died before it could.
    func unmountUnused() throws {
        for name in configured.withLock({ $0.filter { $0.value.needsMount }.map(\.key) }) {
            try locks.with(name) {
                if users.withLock({ $0[name] == nil }) { try Self.unmount(path(of: name)) }
            }
        }
    }

    /// nil where the driver was told nothing.
    func options(of name: String) -> LocalVolumeOptions? { configured.withLock { $0[name] } }

    static func filesMissing(_ name: String, _ path: String) -> EngineError {
        EngineError(
            .startFailed,
            "volume \(name) has lost its files: lstat \(path): no such file or directory; put them back, or remove the "
                + "volume and make it anew")
    }

    private static func isMounted(_ path: String) throws -> Bool {
        try mountTable().contains { $0.mountPoint == path }
    }

    static func unmount(_ path: String) throws {
        // As often as it is mounted; where it is in use, as soon as that ends.
        while try isMounted(path) {
            do throws(SystemCallError) {
                try LinuxKernel.unmount(path)
            } catch {
                guard error.errno == EBUSY else {
                    throw EngineError(.systemCallFailed, "cannot unmount a volume: \(error)", cause: error)
                }
                try LinuxKernel.unmount(path, flags: Int32(MNT_DETACH))
            }
        }
    }

    // MARK: Copy-up into something mounted

    private static var copyName: String { ".skiff-copy-up" }
    private static var partName: String { ".skiff-copy-up.part" }

    /// Fills `_data`, if it is empty, from an open directory, where something is mounted on it or somebody uses it: no
    /// other folder can take its place then. The copy is made within, and its entries move up when it is whole. What a
    /// crash leaves of it is finished, or removed, when the volume is mounted the next time; nothing of the user's is
    /// touched.
    func populateInPlace(_ name: String, from source: Int32) throws {
        let path = path(of: name)
        try locks.with(name) {
            let folder = try openFile(path, O_RDONLY | O_DIRECTORY)
            guard try directoryNames(of: folder.rawValue).isEmpty else { return }
            let part = "\(path)/\(Self.partName)"
            do throws(SystemCallError) {
                try makeDirectories(part, mode: 0o700)
                let target = try openFile(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                try TreeCopy.copy(from: source, to: target.rawValue)
                var status = stat()
                try systemCall("fstat") { fstat(target.rawValue, &status) }
                try FileAttributes.apply(status, to: folder.rawValue, timesToo: false)
                let raw = target.rawValue
                try rawCall("syncfs", part) { skiff_syncfs(raw) }
                try systemCall("rename", part) { rename(part, "\(path)/\(Self.copyName)") }
            } catch {
                try? Self.removeTree(part)
                throw error
            }
            try finishCopyUp(name)
        }
    }

    private func finishCopyUp(_ name: String) throws {
        let path = path(of: name)
        let part = "\(path)/\(Self.partName)"
        if fileExists(part) { try Self.removeTree(part) }
        let copy = "\(path)/\(Self.copyName)"
        guard fileExists(copy) else { return }
        let folder = try openFile(copy, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let target = try openFile(path, O_RDONLY | O_DIRECTORY)
        for entry in try directoryNames(of: folder.rawValue) {
            let (from, to) = (folder.rawValue, target.rawValue)
            try systemCall("renameat", displayName(entry)) { renameat(from, entry, to, entry) }
        }
        try systemCall("rmdir", copy) { rmdir(copy) }
    }
}
