import CLinux
import Glibc
import JSONCodec
import LinuxKernel
package import OCIModel
import Synchronization

/// What a volume held at one moment.
package struct VolumeSnapshot: Sendable, Hashable {
    package let name: String
    package let created: Timestamp?
    /// Bytes, as `du` counts them: what it shares with others is counted in each.
    package let size: Int64
}

/// `<volume>/snapshots/<name>/_data`, each with a `snapshot.json`. They appear whole and go whole, as volumes do.
extension VolumeStore {
    private struct SnapshotRecord: Codable {
        var created: Timestamp
    }

    func snapshotPath(_ name: String, of volume: String) -> String { "\(root)/\(volume)/snapshots/\(name)" }

    /// Names, sorted.
    func snapshots(of volume: String) throws -> [String] {
        let path = "\(root)/\(volume)/snapshots"
        guard fileExists(path) else { return [] }
        let folder = try openFile(path, O_RDONLY | O_DIRECTORY)
        return try directoryNames(of: folder.rawValue).map(displayName).filter(VolumeName.isValid).sorted()
    }

    func snapshotTime(_ name: String, of volume: String) -> Timestamp? {
        guard let bytes = try? readFile(snapshotPath(name, of: volume) + "/snapshot.json"),
            let json = try? JSONValue(parsing: bytes)
        else { return nil }
        return (try? json.decode(SnapshotRecord.self))?.created
    }

    /// - Throws: `EngineError` where there is none
    func require(snapshot name: String, of volume: String) throws(EngineError) {
        try require(volume)
        guard VolumeName.isValid(name), fileExists(snapshotPath(name, of: volume)) else {
            throw EngineError(.noSuchVolume, "get \(volume): no such snapshot: \(name)")
        }
    }

    /// Makes a staged copy, whole and synced, a snapshot.
    /// - Returns: false where the name is taken
    func appear(_ staged: String, asSnapshot name: String, of volume: String) throws -> Bool {
        let record: JSONValue = ["created": .string(Timestamp.now.description)]
        try replaceFile("\(staged)/snapshot.json", record.bytes(), mode: 0o600, durable: true)
        let path = snapshotPath(name, of: volume)
        try makeDirectories("\(root)/\(volume)/snapshots", mode: 0o700)
        try syncFolder(of: "\(root)/\(volume)/snapshots")
        let result = skiff_rename(staged, path, 1)
        if result == -EEXIST { return false }
        try rawCall("renameat2", staged) { result }
        try syncFolder(of: path)
        return true
    }

    func remove(snapshot name: String, of volume: String) throws {
        let removed = "\(root)/\(Self.removedPrefix)\(randomID())"
        let path = snapshotPath(name, of: volume)
        try systemCall("rename", path) { rename(path, removed) }
        try syncFolder(of: path)
        try removeFolder(removed)
    }

    /// Puts staged files, whole and synced, in the place of a volume's, which take theirs. At once: nobody ever sees
    /// half of both.
    /// - Returns: false where somebody uses the volume
    func exchange(_ volume: String, with staged: String) throws -> Bool {
        try locks.with(volume) {
            if users.withLock({ $0[volume] != nil }) { return false }
            let path = path(of: volume)
            try rawCall("renameat2", path) { skiff_rename("\(staged)/_data", path, 2) }
            try syncFolder(of: path)
            return true
        }
    }
}
