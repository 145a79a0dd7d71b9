/// One member of a tar archive. The reader fills the same entry again and again, so that its buffers are reused.
struct TarEntry {
    enum Kind: UInt8 {
        case regular = 0x30  // "0"
        case hardLink, symbolicLink, characterDevice, blockDevice, directory, fifo
    }

    struct Fragment: Equatable {
        var offset: Int64
        var length: Int64
    }

    struct ExtendedAttribute: Equatable {
        var name: [UInt8]
        var value: [UInt8]
    }

    var kind = Kind.regular
    /// As in the archive: bytes, not necessarily UTF-8, and not normalized.
    var name: [UInt8] = []
    var linkName: [UInt8] = []
    /// Permission, set-id and sticky bits.
    var mode: UInt32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    /// Bytes of data that follow in the archive.
    var storedSize: Int64 = 0
    /// Bytes of the file; differs from `storedSize` where it is sparse.
    var size: Int64 = 0
    var modifiedSeconds: Int64 = 0
    var modifiedNanoseconds: Int = 0
    var deviceMajor: UInt32 = 0
    var deviceMinor: UInt32 = 0
    var extendedAttributes: [ExtendedAttribute] = []
    /// Where the stored data belongs; nil where the file is not sparse.
    var fragments: [Fragment]?

    /// The name for a message.
    var displayName: String { String(decoding: name, as: UTF8.self) }
}

/// Bounds on what an archive may claim before any of its data has been seen.
enum TarLimits {
    /// Bytes of one extended header or long name.
    static let header: Int64 = 1 << 20
    /// Bytes of all extended headers of one member.
    static let headers = 4 << 20
    /// Fragments of a sparse file.
    static let fragments = 1 << 20
    /// Bytes of a path.
    static let path = 32 << 10
    /// Bytes of the paths and attributes of all directories of a layer, which are kept in memory to its end.
    static let directories = 256 << 20
    /// Bytes of a regular file, and of all those of a layer: a sparse one may claim anything, and sums of such claims
    /// have to stay numbers.
    static let content: Int64 = 1 << 46
}
