/// What a bind mount of a specification shows, where a path alone cannot say it.
package struct RuntimeMountSource: Sendable, Equatable {
    /// The mount that it belongs to, by its destination.
    package var destination: String
    /// Folders of a read-only overlay, topmost first; empty for the mount's own source.
    package var layers: [String]
    /// What of it is shown: a path that is resolved without leaving it. Empty for all of it.
    package var subpath: String
    /// Whether its owner is the container's user: an id-mapped mount, nothing is changed on the disk.
    package var mapsOwner: Bool

    package init(
        destination: String, layers: [String] = [], subpath: String = "", mapsOwner: Bool = false
    ) {
        self.destination = destination
        self.layers = layers
        self.subpath = subpath
        self.mapsOwner = mapsOwner
    }
}
