/// Owner and mode of an image's root directory, which a container's own layer has to repeat: the overlay shows those
/// of its upper directory.
struct RootAttributes: Sendable, Equatable, Codable {
    var mode: UInt32
    var uid: UInt32
    var gid: UInt32
}
