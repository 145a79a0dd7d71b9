package import OCIModel

/// A container's writable layer and what lies below it. The engine keeps it in the container's record and gives
/// it back when the store opens (`ImageStore.adopt`): the store has no record of its own about it.
package struct ContainerLayer: Sendable, Equatable, Codable {
    /// The container's id; also the folder's name below `overlay2`.
    package let id: String
    /// Digests of the uncompressed layers of its image, topmost first, each once.
    package let layers: [Digest]
    /// Name of the folder with the empty mount points that the container gets below its image, below `overlay2`.
    package let mountPoints: String?
    /// Layers of other images that are mounted in the container, which keeps them; nil for none.
    package let mounted: [Digest]?
    /// nil for `overlay2`.
    package let driver: StorageDriver?
    /// Bytes that the container's folder may hold; nil for any number.
    package let size: UInt64?

    package init(
        id: String, layers: [Digest], mountPoints: String?, mounted: [Digest]? = nil,
        driver: StorageDriver? = nil, size: UInt64? = nil
    ) {
        self.id = id
        self.layers = layers
        self.mountPoints = mountPoints
        self.mounted = mounted
        self.driver = driver
        self.size = size
    }

    /// Everything that must stay as long as the container does.
    package var held: [Digest] { layers + (mounted ?? []) }
}

/// Where a container's layer lies.
package struct ContainerLayerPaths: Sendable, Equatable {
    package let driver: StorageDriver
    /// Absolute paths of the read-only layers, topmost first; none where `upper` is the whole root file system.
    package let lower: [String]
    package let upper: String
    package let work: String
    /// Where people and tools expect the running container's root.
    package let merged: String
}

/// One path that a container changed.
package struct LayerChange: Sendable, Equatable {
    package enum Kind: Int, Sendable {
        case modified = 0
        case added = 1
        case deleted = 2
    }

    package let path: String
    package let kind: Kind
}
