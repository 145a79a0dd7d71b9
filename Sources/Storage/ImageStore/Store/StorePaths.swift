import LinuxKernel
import OCIModel

/// Where things lie below the data root.
struct StorePaths: Sendable {
    let root: String

    init(root: String) { self.root = root.hasSuffix("/") ? String(root.dropLast()) : root }

    var blobs: String { root + "/content/blobs/sha256" }
    var overlay: String { root + "/overlay2" }
    /// What is being made; anything in it is left over when the store opens.
    var staging: String { overlay + "/.staging" }
    /// What is being deleted.
    var trash: String { overlay + "/.trash" }

    /// Blobs that have not come to their end yet: what a later pull continues from.
    var arrivals: String { root + "/content/arrivals" }

    func arrival(_ digest: Digest) -> String { "\(arrivals)/\(digest.hex)" }

    func blob(_ digest: Digest) -> String { "\(blobs)/\(digest.hex)" }

    /// The folder of an unpacked layer, by the digest of its uncompressed archive.
    func layer(_ diffID: Digest) -> String { "\(overlay)/\(diffID.hex)" }

    func layerContent(_ diffID: Digest) -> String { "\(overlay)/\(diffID.hex)/\(LayerRecipe.contentFolder)" }

    func container(_ id: String) -> String { "\(overlay)/\(id)" }

    func create() throws(SystemCallError) {
        // Not for other users: layers hold set-user-id programs of other systems.
        try makeDirectories(blobs, mode: 0o755)
        try makeDirectories(arrivals, mode: 0o700)
        try makeDirectories(overlay, mode: 0o710)
        try makeDirectories(staging, mode: 0o700)
        try makeDirectories(trash, mode: 0o700)
        try MountPointsLayer.make(in: overlay)
    }
}
