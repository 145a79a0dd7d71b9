import Glibc
import JSONCodec
import LinuxKernel
import OCIModel

/// An index that the user puts together before it is pushed: a file in the client's folder.
struct ManifestList {
    struct Entry {
        /// Where the manifest is now.
        let reference: Reference
        var descriptor: ContentDescriptor
    }

    let reference: Reference
    private(set) var entries: [Entry] = []
    private let folder: String

    /// - Parameter configurationFolder: the client's
    init(_ reference: Reference, configurationFolder: String) {
        self.reference = reference.withDefaultTag
        folder = configurationFolder + "/manifests"
    }

    private var path: String {
        let name = reference.withDefaultTag.description
        return "\(folder)/\(String(name.map { $0 == "/" ? "_" : $0 == ":" ? "-" : $0 })).json"
    }

    var exists: Bool { fileExists(path) }

    /// Reads what was saved.
    /// - Throws: `CommandError` where there is no such list
    mutating func load() throws {
        guard exists else {
            throw CommandError(.invalidArgument, "No such manifest: \(reference.withDefaultTag.description)")
        }
        do {
            let value = try JSONValue(parsing: try readFile(path))
            entries = try (value.arrayValue ?? []).map { item in
                Entry(
                    reference: try Reference(item["reference"]?.stringValue ?? ""),
                    descriptor: try (item["descriptor"] ?? .null).decode())
            }
        } catch {
            throw CommandError(.environment, "cannot read \(path): \(error)")
        }
    }

    func save() throws {
        let value = JSONValue.array(
            try entries.map { entry in
                [
                    "reference": .string(entry.reference.description),
                    "descriptor": try JSONValue(encoding: entry.descriptor),
                ]
            })
        do throws(SystemCallError) {
            try makeDirectories(folder, mode: 0o700)
            try replaceFile(path, value.bytes(), mode: 0o600)
        } catch {
            throw CommandError(.environment, "cannot write \(path): \(error)")
        }
    }

    func remove() throws {
        guard unlink(path) == 0 else {
            throw CommandError(.invalidArgument, "No such manifest: \(reference.withDefaultTag.description)")
        }
    }

    /// One manifest of a reference stands once.
    mutating func add(_ entry: Entry) {
        if let position = position(of: entry.reference) {
            entries[position] = entry
        } else {
            entries.append(entry)
        }
    }

    func position(of reference: Reference) -> Int? {
        entries.firstIndex { $0.reference.withDefaultTag == reference.withDefaultTag }
    }

    mutating func change(_ position: Int, _ change: (inout Platform) -> Void) {
        var platform = entries[position].descriptor.platform ?? Platform(os: "linux", architecture: "")
        change(&platform)
        entries[position].descriptor.platform = platform
    }

    /// Docker's type where all members are Docker's, else OCI's.
    var mediaType: String {
        entries.allSatisfy { $0.descriptor.mediaType == MediaType.dockerManifest }
            ? MediaType.dockerManifestList : MediaType.ociIndex
    }

    /// The index as it is pushed.
    func document() throws -> String {
        var index = ImageIndex(manifests: entries.map(\.descriptor))
        index.mediaType = mediaType
        return try JSONValue(encoding: index).text(.pretty)
    }
}
