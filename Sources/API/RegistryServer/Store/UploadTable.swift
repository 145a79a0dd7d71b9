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
        /// Counts on with every use; 0 for what another process began.
        var turn = 0
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var turn = 0

        mutating func nextTurn() -> Int {
            turn += 1
            return turn
        }
    }

    /// Whoever only begins uploads must not fill the memory, nor keep others from theirs.
    struct Limits {
        var all = 10_000
        var perRepository = 1000
    }

    /// For how long, in seconds, an upload waits for its next chunk before another repository may need its place more.
    static let patience: Int64 = 60

    let ledger = UploadLedger()
    private let folder: String
    private let limits: Limits
    private let state: Mutex<State>

    init(folder: String, limits: Limits = Limits()) throws {
        self.folder = folder
        self.limits = limits
        try makeDirectories(folder)
        state = Mutex(State(entries: try Self.survivors(folder, ledger)))
    }

    /// What an earlier process began and did not end.
    private static func survivors(_ folder: String, _ ledger: UploadLedger) throws -> [String: Entry] {
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
                    size: Int64(status.st_size), began: Int64(status.st_mtim.tv_sec), ledger: ledger),
                used: Int64(status.st_mtim.tv_sec))
        }
        return found
    }

    /// - Parameter isBusy: whether it is for one request alone from the beginning, until `release`
    func begin(
        _ repository: RepositoryName, _ algorithm: Digest.Algorithm, isBusy: Bool = false
    ) throws -> UploadSession {
        let id = Self.makeID()
        let name = "\(id),\(algorithm.rawValue),\(repository.description.replacing("/", with: "+"))"
        guard name.utf8.count <= 255 else {
            throw RegistryError(
                .nameInvalid, "the repository name \(repository) is too long for uploads (at most 200 bytes)")
        }
        let session = UploadSession(
            id: id, repository: repository, path: "\(folder)/\(name)", algorithm: algorithm, size: nil,
            began: RegistryStore.now, ledger: ledger)
        try makePlace(repository)
        state.withLock { state in
            state.entries[id] = Entry(
                session: session, isBusy: isBusy, used: RegistryStore.now, turn: state.nextTurn())
        }
        return session
    }

    /// Sees to it that another upload may begin.
    private func makePlace(_ repository: RepositoryName) throws {
        let (all, own) = state.withLock { state in
            guard state.entries.count >= limits.perRepository else { return (state.entries.count, 0) }
            return (state.entries.count, state.entries.values.count { $0.session.repository == repository })
        }
        if own >= limits.perRepository, try !evict(for: repository, ownOnly: true) {
            throw RegistryError(
                .tooManyRequests,
                "\(own) uploads into repository \(repository) are under way: try again later")
        }
        if all >= limits.all, try !evict(for: repository, ownOnly: false) {
            throw RegistryError(
                .tooManyRequests, "\(all) uploads have begun and not ended: try again later")
        }
    }

    /// Removes the upload that has waited longest, for one into `repository` that needs its room: of the same repository
    /// any that nobody writes to, of others one that has waited for `patience`.
    /// - Returns: whether there was one
    func evict(for repository: RepositoryName, ownOnly: Bool, holdingBytes: Bool = false) throws -> Bool {
        let horizon = RegistryStore.now - Self.patience
        let found = state.withLock { state -> UploadSession? in
            let oldest = state.entries.values.filter { entry in
                !entry.isBusy && (!holdingBytes || entry.session.size > 0)
                    && (entry.session.repository == repository || !ownOnly && entry.used <= horizon)
            }.min { ($0.used, $0.turn) < ($1.used, $1.turn) }
            if let oldest { state.entries[oldest.session.id] = nil }
            return oldest?.session
        }
        try found?.remove()
        return found != nil
    }

    /// An upload of this repository, for one request alone until `release`.
    /// - Throws: `RegistryError` (`uploadUnknown`, `uploadBusy`)
    func take(_ id: String, of repository: RepositoryName) throws(RegistryError) -> UploadSession {
        let result: Result<UploadSession, RegistryError> = state.withLock { state in
            guard let entry = state.entries[id], entry.session.repository == repository else {
                return .failure(
                    RegistryError(
                        .uploadUnknown,
                        "no upload \(id.prefix(64)) in repository \(repository): begin a new one"))
            }
            guard !entry.isBusy else {
                return .failure(RegistryError(.uploadBusy, "another request is writing to upload \(id)"))
            }
            state.entries[id]?.isBusy = true
            return .success(entry.session)
        }
        return try result.get()
    }

    /// - Parameter ends: whether the upload is over, and nothing is left of it
    func release(_ session: UploadSession, ends: Bool) {
        if !ends { session.rest() }
        state.withLock { state in
            if ends {
                state.entries[session.id] = nil
            } else {
                let turn = state.nextTurn()
                state.entries[session.id]?.isBusy = false
                state.entries[session.id]?.used = RegistryStore.now
                state.entries[session.id]?.turn = turn
            }
        }
    }

    /// An upload that was given up while a request used it. `release` for it does nothing any more.
    func forget(_ session: UploadSession) { state.withLock { $0.entries[session.id] = nil } }

    /// Removes uploads that nobody has gone on with for long, and those that have gone on for too long.
    /// - Parameters:
    ///   - age: in seconds
    ///   - lifetime: in seconds
    /// - Returns: how many
    func expire(olderThan age: Int64, lifetime: Int64 = .max) throws -> Int {
        let now = RegistryStore.now
        let stale = state.withLock { state in
            let stale = state.entries.values.filter {
                !$0.isBusy && (now - $0.used >= age || now - $0.session.began >= lifetime)
            }
            for entry in stale { state.entries[entry.session.id] = nil }
            return stale.map(\.session)
        }
        for session in stale { try session.remove() }
        return stale.count
    }

    var count: Int { state.withLock(\.entries.count) }

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
