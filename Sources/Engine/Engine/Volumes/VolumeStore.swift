import CLinux
import Glibc
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

    /// Makes the folder if it is missing and clears what a crash left of a copy-up.
    init(root: String) throws {
        self.root = root
        try makeDirectories(root, mode: 0o711)
        for name in try list() where fileExists(stagingPath(name)) { try Self.removeTree(stagingPath(name)) }
        try clearRemoved()
    }

    /// Names of all volumes, sorted.
    func list() throws -> [String] {
        let folder = try openFile(root, O_RDONLY | O_DIRECTORY)
        let names = try directoryNames(of: folder.rawValue).map(displayName).filter(VolumeName.isValid)
        return names.sorted()
    }

    /// Where the volume's files are; whether it exists or not.
    func path(of name: String) -> String { "\(root)/\(name)/_data" }

    func exists(_ name: String) -> Bool { fileExists(path(of: name)) }

    /// nil where the volume has no readable record.
    func record(of name: String) -> Record? {
        guard let bytes = try? readFile(recordPath(name)), let json = try? JSONValue(parsing: bytes) else {
            return nil
        }
        return try? json.decode(Record.self)
    }

    /// Finds or makes a volume, durably, and holds it: the caller must call `letGo`.
    func ensure(_ request: VolumeRequest) throws -> (name: String, path: String, created: Bool) {
        if let name = request.name, !VolumeName.isValid(name) { throw VolumeName.refusal(name) }
        let isAnonymous = request.name == nil
        let name = request.name ?? Self.anonymousName()
        let path = path(of: name)
        guard ["", "local"].contains(request.driver) else {
            throw EngineError(
                .noSuchVolume,
                "create \(name): error looking up volume plugin \(request.driver): plugin \"\(request.driver)\" not found"
            )
        }
        hold(name)
        if fileExists(path) { return (name, path, false) }
        do throws(SystemCallError) {
            try makeDirectories("\(root)/\(name)", mode: 0o701)
            var record = Record(created: .now, labels: request.labels, isAnonymous: isAnonymous)
            if !request.options.isEmpty { record.options = request.options }
            try replaceFile(recordPath(name), encoded(record), mode: 0o600, durable: true)
            try makeDirectories(path, mode: 0o755)
            try syncFolder(of: path)
            try syncFolder(of: "\(root)/\(name)")
        } catch {
            letGo([name])
            throw EngineError(
                .systemCallFailed, "cannot make volume \(name): \(error)", cause: error,
                category: error.errno == ENOSPC ? .exhausted : nil)
        }
        return (name, path, true)
    }

    /// Fills an empty volume with what the image has at `path`, the folder's own owner and mode included (Docker's
    /// copy-up). Does nothing where the volume has content or the image has no folder there. A crash leaves the volume
    /// empty, never half full.
    /// - Parameters:
    ///   - lower: the image's layer folders, topmost first
    ///   - path: of the mount point in the container
    func populate(_ name: String, from lower: [String], path: String) throws {
        guard try isEmpty(name) else { return }
        let view = try Self.view(of: lower)
        guard let source = try Self.folder(path, in: view) else { return }
        let staging = stagingPath(name)
        do throws(SystemCallError) {
            try makeDirectories(staging, mode: 0o700)
            let target = try openFile(staging, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            try TreeCopy.copy(from: source.rawValue, to: target.rawValue)
            let raw = target.rawValue
            try rawCall("syncfs", staging) { skiff_syncfs(raw) }
            try systemCall("rename", staging) { rename(staging, self.path(of: name)) }
            try syncFolder(of: staging)
        } catch {
            try? Self.removeTree(staging)
            throw EngineError(
                .systemCallFailed, "cannot copy the image's \(path) into volume \(name): \(error)",
                cause: error,
                category: error.errno == ENOSPC ? .exhausted : nil)
        }
    }

    // MARK: Parts

    private func recordPath(_ name: String) -> String { "\(root)/\(name)/volume.json" }

    private func stagingPath(_ name: String) -> String { "\(root)/\(name)/_data.new" }

    private func encoded(_ record: Record) -> [UInt8] {
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
