import CLinux
import Glibc
import JSONCodec
import LinuxKernel
import Synchronization

/// A volume that is being renamed says so, in `rename.json`, from before the folder has its new name until every
/// container that has it knows that name.
struct VolumeRename: Codable, Equatable {
    var from: String
    var to: String
    /// Ids of the containers that have it.
    var containers: [String]
}

extension VolumeStore {
    private func renamePath(_ name: String) -> String { "\(root)/\(name)/rename.json" }

    /// Gives the folder its new name.
    /// - Parameter isStillSo: whether those containers, and no others, have the volume; asked while none can take it
    /// - Returns: false, with nothing changed, where it is not, or somebody else uses the volume
    func carryOut(_ rename: VolumeRename, isStillSo: () -> Bool) throws -> Bool {
        let (from, to) = (rename.from, rename.to)
        try replaceFile(
            renamePath(from), try JSONValue(encoding: rename).bytes(), mode: 0o600, durable: true)
        do {
            let isDone = try locks.with(from) {
                try held.withLock { held in
                    guard held[from] == nil, held[to] == nil, isStillSo() else { return false }
                    let result = skiff_rename("\(root)/\(from)", "\(root)/\(to)", 1)
                    if result == -EEXIST { throw VolumeService.taken(to) }
                    try rawCall("renameat2", from) { result }
                    users.withLock { $0[to] = $0.removeValue(forKey: from) }
                    configured.withLock { $0[to] = $0.removeValue(forKey: from) }
                    return true
                }
            }
            if isDone { try syncFolder(of: renamePath(to).dropLastComponent) } else { try forget(from) }
            return isDone
        } catch {
            if exists(from) { try? forget(from) }
            throw error
        }
    }

    /// Everybody knows the new name.
    func forgetRename(of name: String) throws { try forget(name) }

    private func forget(_ name: String) throws {
        let path = renamePath(name)
        try systemCall("unlink", path) { unlink(path) }
        try syncFolder(of: path)
    }

    /// Renames that a crash left, each under the name that the folder has; those whose folder has its old name still
    /// never happened.
    func leftRenames() throws -> [(name: String, rename: VolumeRename)] {
        try list().compactMap { name in
            guard fileExists(renamePath(name)) else { return nil }
            return (name, try JSONValue(parsing: try readFile(renamePath(name))).decode(VolumeRename.self))
        }
    }
}

extension String {
    /// The path of the folder that something is in.
    fileprivate var dropLastComponent: String { lastIndex(of: "/").map { String(self[..<$0]) } ?? self }
}
