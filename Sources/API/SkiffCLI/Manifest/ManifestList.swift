import Glibc
import JSONCodec
import LinuxKernel
import OCIModel

/// An index that the user puts together before it is pushed: a folder with a file for each member in the client's folder,
/// as Docker's client keeps them.
struct ManifestList {
    /// The list's own name.
    let reference: Reference
    private(set) var entries: [ManifestEntry] = []
    private let folder: String

    /// - Parameter configurationFolder: the client's
    init(_ reference: Reference, configurationFolder: String) {
        self.reference = reference.withDefaultTag
        folder = "\(configurationFolder)/manifests/\(Self.fileName(reference.withDefaultTag))"
    }

    private static func fileName(_ reference: Reference) -> String {
        String(reference.description.map { $0 == "/" ? "_" : $0 == ":" ? "-" : $0 })
    }

    private func path(of entry: ManifestEntry) -> String { "\(folder)/\(Self.fileName(entry.reference))" }

    var exists: Bool { fileExists(folder) }

    /// Reads what was saved, in the order of the files' names.
    /// - Throws: `CommandError` where there is no such list
    mutating func load() throws {
        guard exists else { throw missing }
        do {
            let opened = try openFile(folder, O_RDONLY | O_DIRECTORY)
            let names = try directoryNames(of: opened.rawValue).map(displayName).sorted()
            entries = try names.map { try ManifestEntry(JSONValue(parsing: try readFile("\(folder)/\($0)"))) }
        } catch {
            throw CommandError(.environment, "cannot read \(folder): \(error)")
        }
    }

    private var missing: CommandError {
        CommandError(.invalidArgument, "No such manifest: \(reference.familiar)")
    }

    /// Adds a member, or replaces the one of that name.
    func save(_ entry: ManifestEntry) throws {
        do {
            try makeDirectories(folder, mode: 0o700)
            try replaceFile(path(of: entry), try entry.document.bytes(), mode: 0o600)
        } catch {
            throw CommandError(.environment, "cannot write \(folder): \(error)")
        }
    }

    func remove() throws {
        guard exists else { throw missing }
        do {
            try removeTree(folder)
        } catch {
            throw CommandError(.environment, "cannot remove \(folder): \(error)")
        }
    }

    func entry(_ name: String) throws -> ManifestEntry? {
        let wanted = try Reference(name).withDefaultTag
        return entries.first { $0.reference == wanted }
    }

    /// The first member's family decides.
    var mediaType: String { Self.mediaType(entries) }

    private static func mediaType(_ entries: [ManifestEntry]) -> String {
        entries.first?.descriptor.mediaType == MediaType.ociManifest
            ? MediaType.ociIndex : MediaType.dockerManifestList
    }

    /// The index as it is pushed: byte for byte what Docker's client makes of the same members.
    var document: String { Self.document(entries) }

    static func document(_ entries: [ManifestEntry]) -> String {
        let members = entries.map { entry in
            var object: JSONObject = [
                "mediaType": .string(entry.descriptor.mediaType), "size": .integer(entry.descriptor.size),
                "digest": .string(entry.descriptor.digest.description),
            ]
            object["platform"] = entry.platform
            return JSONValue.object(object)
        }
        let index: JSONValue = [
            "schemaVersion": 2, "mediaType": .string(mediaType(entries)), "manifests": .array(members),
        ]
        return index.text(JSONValue.Style(indent: 3))
    }
}
