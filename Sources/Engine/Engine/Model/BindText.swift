/// One `-v` value: `source:target[:mode]`, or a target alone for an anonymous volume; kept as it was sent.
package struct BindText: Sendable, Hashable {
    package let text: String
    /// An absolute path of the host, a volume's name, or empty for an anonymous volume.
    package let source: String
    package let target: String
    /// The third part as it was sent, such as `ro,z`.
    package let mode: String
    package let options: Set<String>

    package var isReadOnly: Bool { options.contains("ro") }
    package var isVolume: Bool { !source.hasPrefix("/") }
    package var noCopy: Bool { options.contains("nocopy") }
    /// Empty for Docker's `rprivate`.
    package var propagation: String { options.first { MountPropagation(rawValue: $0) != nil } ?? "" }
    /// Whether the source's owner is to be the container's user (`idmap`, or `U` as podman's users write it).
    package var mapsOwner: Bool { !options.isDisjoint(with: BindMode.ownerOptions) }

    /// - Throws: `EngineError` in Docker's words where the text is no volume specification
    package init(parsing text: String) throws(EngineError) {
        self.init(recorded: text)
        let parts = Self.parts(text)
        guard !parts[0].isEmpty, parts.count <= 3,
            // A mode without a source would be a volume's, which has none.
            parts.count != 2 || !BindMode.isValid(parts[1])
        else { throw .invalid("invalid volume specification: '\(text)'") }
        guard BindMode.isValid(mode) else { throw .invalid("invalid mode: \(mode)") }
        try checkTarget()
    }

    /// A text that has been checked before, by this version or an earlier one.
    init(recorded text: String) {
        let parts = Self.parts(text)
        self.text = text
        source = parts.count > 1 ? parts[0] : ""
        target = parts.count > 1 ? parts[1] : parts[0]
        mode = parts.count > 2 ? parts[2] : ""
        options = Set(mode.split(separator: ",").map(String.init))
    }

    private static func parts(_ text: String) -> [String] {
        text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
    }

    private func checkTarget() throws(EngineError) {
        let kind = isVolume ? "volume" : "bind"
        func refusal(_ reason: String) -> EngineError {
            .invalid(
                "invalid volume specification: '\(text)': invalid mount config for type \"\(kind)\": \(reason)"
            )
        }
        if target.isEmpty { throw refusal("field Target must not be empty") }
        if cleanPath(target) == "/", target.hasPrefix("/") {
            throw refusal("invalid specification: destination can't be '/'")
        }
        guard target.hasPrefix("/") else {
            throw refusal("invalid mount path: '\(target)' mount path must be absolute")
        }
        // What belongs to the other kind of mount.
        if isVolume, !propagation.isEmpty { throw refusal("field BindOptions must not be specified") }
        if !isVolume, noCopy { throw refusal("field VolumeOptions must not be specified") }
        guard source.isEmpty || !isVolume || VolumeName.isValid(source) else {
            throw VolumeName.refusal(source)
        }
    }
}

extension BindText: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(recorded: try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws { try encodeText(encoder, text) }
}

/// The words after the second colon of `-v`.
enum BindMode {
    static let ownerOptions: Set<String> = ["idmap", "U"]

    /// Of each of these at most one may be given.
    private static let kinds: [Set<String>] = [
        ["ro", "rw"], ["z", "Z"], ["rprivate", "private", "rshared", "shared", "rslave", "slave"], ["nocopy"],
        ["consistent", "cached", "delegated"], ownerOptions,
    ]

    /// An empty mode is one.
    static func isValid(_ mode: String) -> Bool {
        if mode.isEmpty { return true }
        var counts = Array(repeating: 0, count: kinds.count)
        for word in mode.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            guard let kind = kinds.firstIndex(where: { $0.contains(word) }) else { return false }
            counts[kind] += 1
        }
        return counts.allSatisfy { $0 <= 1 }
    }
}

/// One `--volumes-from` value: `container[:mode]`.
struct VolumesFromText: Equatable {
    let container: String
    let isReadOnly: Bool

    /// - Throws: `EngineError` in Docker's words
    init(parsing text: String) throws(EngineError) {
        if text.isEmpty { throw .invalid("volumes-from specification cannot be an empty string") }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let mode = parts.count > 1 ? parts[1] : ""
        let words = Set(mode.split(separator: ",").map(String.init))
        // How they are mounted, but for being read-only, is the other container's business.
        let own = words.contains { MountPropagation(rawValue: $0) != nil || $0 == "nocopy" }
        guard BindMode.isValid(mode), !own, words.isDisjoint(with: BindMode.ownerOptions) else {
            throw .invalid("invalid mode: \(mode)")
        }
        container = parts[0]
        isReadOnly = words.contains("ro")
    }
}
