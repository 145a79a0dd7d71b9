import OCIModel

/// What is mounted where in a container, as `inspect` shows it.
package struct MountPoint: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Codable { case bind, volume, tmpfs, image }

    package var kind: Kind
    /// A volume's name, or an image's as it was asked for; empty otherwise.
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
    /// nil in records of earlier versions.
    var detail: MountDetail?

    package init(kind: Kind, destination: String) {
        self.kind = kind
        self.destination = destination
    }
}

/// What a start needs to know of a mount and no inspection shows.
struct MountDetail: Sendable, Hashable, Codable {
    /// A folder or file below the volume or image; empty for all of it.
    var subpath = ""
    /// The options of a tmpfs.
    var tmpfsOptions = ""
    /// An image's layers from the top, each once.
    var layers: [Digest] = []
    var imageID = ""
    /// Read-only itself, while mounts below it may be written to.
    var isReadOnlyOnTopOnly = false
    /// A missing source is made at the start, as a folder.
    var makesSource = false
    /// Slave because the source holds the engine's own files; private where the host does not share it.
    var isSlaveByItself = false
    /// The source's owner is the container's user.
    var mapsOwner = false
}

extension MountPoint {
    /// The detail, to be changed.
    var details: MountDetail {
        get { detail ?? MountDetail() }
        set { detail = newValue }
    }

    /// The mount as another container gets it by `--volumes-from`.
    func inherited(readOnly: Bool) -> MountPoint {
        var mount = self
        mount.mode = ""
        if readOnly { mount.isWritable = false }
        return mount
    }
}
