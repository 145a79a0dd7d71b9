import Glibc
import LinuxKernel
import OCIModel
import Synchronization

/// The uploads that have begun and not ended. Their files are named `<id>,<algorithm>,<repository>`, a slash in the
/// repository as `+`, so that an upload goes on after the server has been started anew.
final class UploadTable: Sendable {
    private struct Entry {
        let session: UploadSession
        var isBusy = false
        /// In seconds since 1970.
        var used: Int64
    }

    /// Whoever only begins uploads must not fill the memory.
    private static let limit = 10_000

    private let folder: String
    private let entries: Mutex<[String: Entry]>

    init(folder: String) throws {
        self.folder = folder
        try makeDirectories(folder)
        entries = Mutex(try Self.survivors(folder))
    }

    /// What an earlier process began and did not end.
    private static func survivors(_ folder: String) throws -> [String: Entry] {
        let directory = try openFile(folder, O_RDONLY | O_DIRECTORY)
        var found: [String: Entry] = [:]
        for raw in try directoryNames(of: directory.rawValue) {
            let name = displayName(raw)
            let parts = name.split(separator: ",", maxSplits: 2).map(String.init)
            var status = stat()
            guard parts.count == 3, let algorithm = Digest.Algorithm(rawValue: parts[1]),
                let repository = RepositoryName(parts[2].replacing("+", with: "/")),
                lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG
            else { continue }
            found[parts[0]] = Entry(
                session: UploadSession(
                    id: parts[0], repository: repository, path: "\(folder)/\(name)", algorithm: algorithm,
                    size: Int64(status.st_size)), used: Int64(status.st_mtim.tv_sec))
        }
        return found
    }

    func begin(_ repository: RepositoryName, _ algorithm: Digest.Algorithm) throws -> UploadSession {
        let id = Self.makeID()
        let name = "\(id),\(algorithm.rawValue),\(repository.description.replacing("/", with: "+"))"
        guard name.utf8.count <= 255 else {
            throw RegistryError(
                .nameInvalid, "the repository name \(repository) is too long for uploads (at most 200 bytes)")
        }
        let session = UploadSession(
            id: id, repository: repository, path: "\(folder)/\(name)", algorithm: algorithm, size: nil)
        let hasRoom = entries.withLock { entries in
            guard entries.count < Self.limit else { return false }
            entries[id] = Entry(session: session, used: RegistryStore.now)
            return true
        }
        guard hasRoom else {
            throw RegistryError(
                .tooManyRequests, "\(Self.limit) uploads have begun and not ended: try again later")
        }
        return session
    }

    /// An upload of this repository, for one request alone until `release`.
    /// - Throws: `RegistryError` (`uploadUnknown`, `uploadBusy`)
    func take(_ id: String, of repository: RepositoryName) throws(RegistryError) -> UploadSession {
        let result: Result<UploadSession, RegistryError> = entries.withLock { entries in
            guard let entry = entries[id], entry.session.repository == repository else {
                return .failure(
                    RegistryError(
                        .uploadUnknown,
                        "no upload \(id.prefix(64)) in repository \(repository): begin a new one"))
            }
            guard !entry.isBusy else {
                return .failure(RegistryError(.uploadBusy, "another request is writing to upload \(id)"))
            }
            entries[id]?.isBusy = true
            return .success(entry.session)
        }
        return try result.get()
    }

    /// - Parameter ends: whether the upload is over, and nothing is left of it
    func release(_ session: UploadSession, ends: Bool) {
        if !ends { session.rest() }
        entries.withLock { entries in
            if ends {
                entries[session.id] = nil
            } else {
                entries[session.id]?.isBusy = false
                entries[session.id]?.used = RegistryStore.now
            }
        }
    }

    /// Removes uploads that nobody has gone on with for long.
    /// - Parameter age: in seconds
    /// - Returns: how many
    func expire(olderThan age: Int64) throws -> Int {
        let now = RegistryStore.now
        let stale = entries.withLock { entries in
            let stale = entries.values.filter { !$0.isBusy && now - $0.used >= age }
            for entry in stale { entries[entry.session.id] = nil }
            return stale.map(\.session)
        }
        for session in stale { try session.remove() }
        return stale.count
    }

    var count: Int { entries.withLock(\.count) }

    /// A random UUID (RFC 9562, version 4).
    private static func makeID() -> String {
        var high = UInt64.random(in: 0 ... .max)
        var low = UInt64.random(in: 0 ... .max)
        high = high & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        low = low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        func hex(_ value: UInt64, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: digits - text.count) + text
        }
        return [
            hex(high >> 32, 8), hex(high >> 16 & 0xFFFF, 4), hex(high & 0xFFFF, 4), hex(low >> 48, 4),
            hex(low & 0xFFFF_FFFF_FFFF, 12),
        ].joined(separator: "-")
    }
}
