import CLinux
import Glibc
import ImageStore
import JSONCodec
import LinuxKernel
import OCIModel
import OCIRuntime
import Synchronization

/// The local volumes of one data root: `<name>/_data` holds the files, `<name>/volume.json` what was said when the
/// volume was made. The folder is the volume: one without a readable `volume.json` is a volume all the same, so that
/// no lost or damaged record can make data disappear. Blocking; safe from any thread.
final class VolumeStore: Sendable {
    /// What `volume.json` holds.
    struct Record: Sendable, Hashable, Codable {
        var version = 1
        var created: Timestamp
        var labels: [String: String] = [:]
        /// Made for one container because nobody named it.
        var isAnonymous = false
        /// What the driver was told; nil in records of earlier versions, and where it was told nothing.
        var options: [String: String]?
    }

    let root: String
    /// Volumes that containers are being made with, and by how many.
    let held = Mutex<[String: Int]>([:])
    /// What the driver was told of those that it was told something of.
    let configured = Mutex<[String: LocalVolumeOptions]>([:])
    /// Who uses which volume now: containers that run or are being started, copies.
    let users = Mutex<[String: Set<String>]>([:])
    let locks = NameLocks()

    /// Makes the folder if it is missing and clears what a crash left of copies and removals.
    init(root: String) throws {
        self.root = root
        try makeDirectories(root, mode: 0o711)
        for name in try list() {
            if fileExists(stagingPath(name)) { try Self.removeTree(stagingPath(name)) }
            // A file that was to get its name when it was whole.
            for entry in directoryNames(in: "\(root)/\(name)") where entry.hasSuffix(".tmp") {
                try Self.removeTree("\(root)/\(name)/\(entry)")
            }
            loadOptions(of: name)
        }
        try clearStaged()
    }

    private func loadOptions(of name: String) {
        guard let told = record(of: name)?.options else { return }
        // What somebody has damaged by hand is refused when it is to be mounted: as a plain volume it would be taken
        // for an empty one.
        let options = (try? LocalVolumeOptions(told, of: name)) ?? LocalVolumeOptions(unreadable: told)
        configured.withLock { $0[name] = options }
    }

    /// Names of all volumes, sorted.
    func list() throws -> [String] {
        let folder = try openFile(root, O_RDONLY | O_DIRECTORY)
        let names = try directoryNames(of: folder.rawValue).map(displayName)
        return names.filter { VolumeName.isValid($0) && fileExists("\(root)/\($0)/.") }.sorted()
    }

    /// Where the volume's files are; whether it exists or not.
    func path(of name: String) -> String { "\(root)/\(name)/_data" }

    /// Whether there is such a volume; its files may be lost all the same.
    func exists(_ name: String) -> Bool { VolumeName.isValid(name) && fileExists("\(root)/\(name)/.") }

    /// nil where the volume has no readable record.
    func record(of name: String) -> Record? {
        guard let bytes = try? readFile(recordPath(name)), let json = try? JSONValue(parsing: bytes) else {
            return nil
        }
        return try? json.decode(Record.self)
    }

    /// Finds or makes a volume, durably, and holds it: the caller must call `letGo`. One that exists stays as it is.
    func ensure(_ request: VolumeRequest) throws -> (name: String, path: String, created: Bool) {
        let isAnonymous = request.name == nil
        let name = request.name ?? Self.anonymousName()
        guard ["", "local"].contains(request.driver) else {
            throw EngineError(
                .noSuchVolume,
                "create \(name): error looking up volume plugin \(request.driver): plugin \"\(request.driver)\" not "
                    + "found")
        }
        guard VolumeName.isValid(name) else { throw VolumeName.refusal(name) }
        let path = path(of: name)
        hold(name)
        if exists(name) { return (name, path, false) }
        do {
            let options = try LocalVolumeOptions(request.options, of: name)
            var record = Record(created: .now, labels: request.labels, isAnonymous: isAnonymous)
            if !request.options.isEmpty { record.options = request.options }
            return (name, path, try make(name, record, options))
        } catch {
            letGo([name])
            throw error
        }
    }

    /// The whole folder appears under its name at once: a volume without files has lost them, it is not half made.
    /// - Returns: false where somebody else has made it meanwhile
    private func make(_ name: String, _ record: Record, _ options: LocalVolumeOptions) throws -> Bool {
        let staged = stagedFolder()
        do {
            try stage(staged, options)
            let isMade = try appear(staged, record, as: name)
            if !isMade { try removeFolder(staged) }
            return isMade
        } catch let error as DirectoryQuotaError {
            try? removeFolder(staged)
            guard case .unsupported(let reason) = error else {
                throw Self.failure("make volume \(name)", error)
            }
            throw EngineError.invalid(
                "create \(name): quota size requested but no quota support: \(reason)")
        } catch {
            try? removeFolder(staged)
            throw Self.failure("make volume \(name)", error)
        }
    }

    /// Makes the folder of a volume-to-be, with an empty `_data` that has its limit.
    func stage(_ folder: String, _ options: LocalVolumeOptions?) throws {
        try makeDirectories("\(folder)/_data", mode: 0o755)
        if let size = options?.size, size > 0 {
            try DirectoryQuota.limit(directory: "\(folder)/_data", bytes: UInt64(size))
        }
    }

    /// Removes a folder that is no volume any more, or never became one.
    func removeFolder(_ folder: String) throws {
        try releaseLimit(of: "\(folder)/_data")
        for name in directoryNames(in: "\(folder)/snapshots") {
            try releaseLimit(of: "\(folder)/snapshots/\(name)/_data")
        }
        try Self.removeTree(folder)
    }

    private func releaseLimit(of path: String) throws {
        guard fileExists(path) else { return }
        do throws(DirectoryQuotaError) {
            try DirectoryQuota.release(directory: path)
        } catch {
            // Where there can be none, it has none.
            if case .failed = error { throw error }
        }
    }

    /// Gives a folder whose content is whole and synced a record and a volume's name.
    /// - Returns: false where the name is taken
    func appear(_ staged: String, _ record: Record, as name: String) throws(SystemCallError) -> Bool {
        try replaceFile("\(staged)/volume.json", encoded(record), mode: 0o600, durable: true)
        // Others may pass through, as through Docker's.
        try systemCall("chmod", staged) { chmod(staged, 0o701) }
        let result = skiff_rename(staged, "\(root)/\(name)", 1)
        if result == -EEXIST { return false }
        try rawCall("renameat2", staged) { result }
        loadOptions(of: name)
        try syncFolder(of: "\(root)/\(name)")
        return true
    }

    /// A failure of the system as one of the engine; what is one already stays it.
    static func failure(_ operation: String, _ error: any Error) -> any Error {
        var number: Int32?
        if let call = error as? SystemCallError { number = call.errno }
        if case .failed(let call) = error as? DirectoryQuotaError { number = call.errno }
        guard let number else { return error }
        return EngineError(
            number == ECANCELED ? .cancelled : .systemCallFailed, "cannot \(operation): \(error)",
            cause: error,
            category: [ENOSPC, EDQUOT].contains(number) ? .exhausted : nil)
    }

    /// Fills an empty volume with what the image has at `path`, the folder's own owner and mode included (Docker's
    /// copy-up). Does nothing where the volume has content or the image has no folder there. A crash leaves the volume
    /// empty, never half full.
    /// - Parameters:
    ///   - lower: the image's layer folders, topmost first
    ///   - path: of the mount point in the container
    func populate(_ name: String, from lower: [String], path: String) throws {
        let isMounted = options(of: name)?.needsMount == true
        do {
            // A lost folder is the start's to tell of.
            guard fileExists(self.path(of: name)) else { return }
            if !isMounted { guard try isEmpty(name) else { return } }
            let view = try Self.view(of: lower)
            guard let source = try Self.folder(path, in: view) else { return }
            if !isMounted, try populate(name, from: source.rawValue) { return }
            let user = "copy-up \(randomID())"
            try mount(name, for: user)
            do {
                try populateInPlace(name, from: source.rawValue)
            } catch {
                try? unmount(name, for: user)
                throw error
            }
            try unmount(name, for: user)
        } catch {
            throw Self.failure("copy the image's \(path) into volume \(name)", error)
        }
    }

    /// - Returns: false where somebody uses the volume: what he has mounted must stay the volume
    private func populate(_ name: String, from source: Int32) throws -> Bool {
        try locks.with(name) {
            if users.withLock({ $0[name] != nil }) { return false }
            guard try isEmpty(name) else { return true }
            let staging = stagingPath(name)
            do {
                try makeDirectories(staging, mode: 0o700)
                let limit = options(of: name)?.size ?? 0
                if limit > 0 { try DirectoryQuota.limit(directory: staging, bytes: UInt64(limit)) }
                let target = try openFile(staging, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                try TreeCopy.copy(from: source, to: target.rawValue)
                let raw = target.rawValue
                try rawCall("syncfs", staging) { skiff_syncfs(raw) }
                if limit > 0 {
                    // btrfs lets no subvolume take another's place, but exchanges them.
                    try rawCall("renameat2", staging) { skiff_rename(staging, self.path(of: name), 2) }
                    try DirectoryQuota.release(directory: staging)
                    try Self.removeTree(staging)
                } else {
                    try systemCall("rename", staging) { rename(staging, self.path(of: name)) }
                }
                try syncFolder(of: staging)
                return true
            } catch {
                try? Self.removeTree(staging)
                throw error
            }
        }
    }

    // MARK: Parts

    func recordPath(_ name: String) -> String { "\(root)/\(name)/volume.json" }

    /// A new name for a folder that becomes a volume.
    func stagedFolder() -> String { "\(root)/\(Self.newPrefix)\(randomID())" }

    func stagingPath(_ name: String) -> String { "\(root)/\(name)/_data.new" }

    func encoded(_ record: Record) -> [UInt8] {
        var json = JSONObject()
        json["version"] = .integer(Int64(record.version))
        json["created"] = .string(record.created.description)
        json["labels"] = object(record.labels)
        json["isAnonymous"] = .bool(record.isAnonymous)
        if let options = record.options { json["options"] = object(options) }
        return JSONValue.object(json).bytes()
    }

    private func object(_ texts: [String: String]) -> JSONValue {
        var object = JSONObject()
        for (key, value) in texts.sorted(by: { $0.key < $1.key }) { object[key] = .string(value) }
        return .object(object)
    }

    private func isEmpty(_ name: String) throws -> Bool {
        let folder = try openFile(path(of: name), O_RDONLY | O_DIRECTORY)
        return try directoryNames(of: folder.rawValue).isEmpty
    }

    /// The layers as one tree, mounted nowhere.
    private static func view(of lower: [String]) throws -> SharedDescriptor {
        if lower.count == 1 { return SharedDescriptor(try openFile(lower[0], O_RDONLY | O_DIRECTORY)) }
        let overlay = OverlayFilesystem(lower: lower, upper: nil, work: nil, volatile: false)
        guard let mount = try overlay.detachedMount() else {
            throw EngineError.notBuilt("copying an image's content into a volume on Linux before 6.5")
        }
        return mount
    }

    private static func folder(_ path: String, in view: SharedDescriptor) throws -> SharedDescriptor? {
        do throws(SystemCallError) {
            return SharedDescriptor(try openBelow(view.rawValue, path, O_RDONLY | O_DIRECTORY))
        } catch {
            if [ENOENT, ENOTDIR, ELOOP].contains(error.errno) { return nil }
            throw error
        }
    }

    /// No volume's name begins like these.
    static var newPrefix: String { ".new-" }
    static var removedPrefix: String { ".removed-" }

    static func removeTree(_ path: String) throws {
        do {
            try LinuxKernel.removeTree(path)
        } catch {
            throw EngineError(.systemCallFailed, "cannot remove \(path): \(error)", cause: error)
        }
    }

    /// 64 hexadecimal digits, as Docker's.
    private static func anonymousName() -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: (0..<64).map { _ in digits[Int.random(in: 0..<16)] }, as: UTF8.self)
    }
}
