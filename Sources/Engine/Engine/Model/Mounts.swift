package enum MountPropagation: String, Sendable, Codable, Hashable {
    case rprivate, `private`, rshared, shared, rslave, slave
}

/// One `--mount` value.
package struct MountRequest: Sendable, Hashable, Codable {
    package enum Kind: Sendable, Hashable, Codable {
        case bind(BindMount)
        case volume(VolumeMount)
        case tmpfs(TmpfsMount)
        case image(ImageMount)
    }

    package var kind: Kind
    package var target: String
    package var isReadOnly: Bool
    /// Whether the request has an object for the options of its kind, empty or not, as inspections show it.
    package var statesOptions: Bool?
    /// Whether the source's owner is to be the container's user; of binds and volumes.
    package var mapsOwner: Bool?
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
    /// A folder or file of the volume; empty for all of it.
    package var subpath = ""
    /// Whether the request has an object for the driver, empty or not.
    package var statesDriver: Bool?

    package init(name: String) { self.name = name }
}

package struct TmpfsMount: Sendable, Hashable, Codable {
    /// 0 for the kernel's default.
    package var sizeBytes: Int64 = 0
    /// 0 for 1777.
    package var mode: UInt32 = 0
    /// `["exec"]`, `["noexec"]`; nil where none was sent.
    package var options: [[String]]?

    package init() {}
}

package struct ImageMount: Sendable, Hashable, Codable {
    /// As the user named it.
    package var image: String
    /// A folder or file of the image; empty for all of it.
    package var subpath = ""

    package init(image: String) { self.image = image }
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
