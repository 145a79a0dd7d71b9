/// One `-v` value: `source:target[:options]`, or a target alone for an anonymous volume; kept as it was sent.
package struct BindText: Sendable, Hashable {
    package let text: String
    /// An absolute path of the host, a volume's name, or empty for an anonymous volume.
    package let source: String
    package let target: String
    package let options: Set<String>

    package var isReadOnly: Bool { options.contains("ro") }
    package var isVolume: Bool { !source.hasPrefix("/") }
    package var noCopy: Bool { options.contains("nocopy") }
    /// Empty for Docker's `rprivate`.
    package var propagation: String { options.first { MountPropagation(rawValue: $0) != nil } ?? "" }

    private static let known: Set<String> = [
        "ro", "rw", "z", "Z", "nocopy", "consistent", "cached", "delegated", "rprivate", "private", "rshared",
        "shared", "rslave", "slave",
    ]

    private static func isMode(_ text: String) -> Bool {
        let options = text.split(separator: ",").map(String.init)
        return options.allSatisfy(known.contains) && Set(options).count == options.count
            && !(options.contains("ro") && options.contains("rw"))
            && options.filter { MountPropagation(rawValue: $0) != nil }.count <= 1
    }

    /// - Throws: `EngineError` in Docker's words where the text is no volume specification
    package init(parsing text: String) throws(EngineError) {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }),
            // A mode without a source would be a volume's, which has none.
            parts.count != 2 || !Self.isMode(parts[1])
        else { throw .invalid("invalid volume specification: '\(text)'") }
        if parts.count == 1 { parts.insert("", at: 0) }
        let options = parts.count == 3 ? parts[2].split(separator: ",").map(String.init) : []
        guard parts.count < 3 || Self.isMode(parts[2]) else {
            throw .invalid("invalid mode: \(parts.count == 3 ? parts[2] : "")")
        }
        guard parts[1].hasPrefix("/") else {
            throw .invalid(
                "invalid volume specification: '\(text)': invalid mount config for type "
                    + "\"\(parts[0].hasPrefix("/") ? "bind" : "volume")\": invalid mount path: '\(parts[1])' "
                    + "mount path must be absolute")
        }
        guard parts[1] != "/" else {
            throw .invalid(
                "invalid volume specification: '\(text)': invalid mount config for type "
                    + "\"\(parts[0].hasPrefix("/") ? "bind" : "volume")\": invalid specification: destination can't be '/'"
            )
        }
        self.text = text
        source = parts[0]
        target = parts[1]
        self.options = Set(options)
        guard source.isEmpty || source.hasPrefix("/") || VolumeName.isValid(source) else {
            throw VolumeName.refusal(source)
        }
    }
}

package enum MountPropagation: String, Sendable, Codable, Hashable {
    case rprivate, `private`, rshared, shared, rslave, slave
}

/// One `--mount` value.
package struct MountRequest: Sendable, Hashable, Codable {
    package enum Kind: Sendable, Hashable, Codable {
        case bind(BindMount)
        case volume(VolumeMount)
        case tmpfs(TmpfsMount)
    }

    package var kind: Kind
    package var target: String
    package var isReadOnly: Bool
    /// `consistent`, `cached`, `delegated`, `default` or empty; without effect on Linux.
    package var consistency: String

    package init(kind: Kind, target: String, isReadOnly: Bool = false, consistency: String = "") {
        self.kind = kind
        self.target = target
        self.isReadOnly = isReadOnly
        self.consistency = consistency
    }
}

package struct BindMount: Sendable, Hashable, Codable {
    package var source: String
    package var propagation: MountPropagation?
    package var nonRecursive = false
    package var createMountpoint = false
    package var readOnlyNonRecursive = false
    package var readOnlyForceRecursive = false

    package init(source: String) { self.source = source }
}

package struct VolumeMount: Sendable, Hashable, Codable {
    /// Empty for an anonymous volume.
    package var name: String
    package var noCopy = false
    package var labels: [String: String] = [:]
    /// Empty or `local`.
    package var driver = ""
    package var driverOptions: [String: String] = [:]
    package var subpath = ""

    package init(name: String) { self.name = name }
}

package struct TmpfsMount: Sendable, Hashable, Codable {
    /// 0 for the kernel's default.
    package var sizeBytes: Int64 = 0
    /// 0 for 1777.
    package var mode: UInt32 = 0

    package init() {}
}

/// The names that volumes may have.
package enum VolumeName {
    package static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard bytes.count >= 2, let first = bytes.first, isAlphanumeric(first) else { return false }
        return bytes.dropFirst().allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
    }

    package static func refusal(_ name: String) -> EngineError {
        if name.utf8.count < 2 {
            return .invalid(
                "create \(name): volume name is too short, names should be at least two alphanumeric "
                    + "characters")
        }
        return .invalid(
            "create \(name): \"\(name)\" includes invalid characters for a local volume name, only "
                + "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
        )
    }
}

extension BindText: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        self = try BindText(parsing: text)
    }

    package func encode(to encoder: any Encoder) throws { try encodeText(encoder, text) }
}

/// What is mounted where in a container, as `inspect` shows it.
package struct MountPoint: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Codable { case bind, volume, tmpfs }

    package var kind: Kind
    /// A volume's name; empty otherwise.
    package var name = ""
    /// The path on the host; empty for tmpfs.
    package var source = ""
    package var destination: String
    /// `local` for volumes; empty otherwise.
    package var driver = ""
    /// The options as sent, such as `ro` or `z`.
    package var mode = ""
    package var isWritable = true
    package var propagation = ""
    /// Whether the volume was made for this container and goes with `rm -v`.
    package var isAnonymous = false
    /// Only the source's own mount, not those below it.
    package var isNonRecursive = false

    package init(kind: Kind, destination: String) {
        self.kind = kind
        self.destination = destination
    }
}
