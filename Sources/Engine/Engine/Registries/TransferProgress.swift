package import OCIModel

/// How far a pull or push is, in the order in which clients are told.
package enum TransferProgress: Sendable, Equatable {
    /// A line about the whole; `id` is empty where Docker's has none.
    case message(id: String, text: String)
    /// A line about one layer, by the short form of its digest.
    case layer(id: String, state: String)
    case bytes(id: String, state: String, current: Int64, total: Int64)
    /// A tag was pushed.
    case pushed(tag: String, digest: Digest, size: Int)
    /// A volume was copied; the shared bytes lie on the disk once for both.
    case copied(name: String, bytes: Int64, sharedBytes: Int64)
}

/// Takes progress from many threads.
package typealias TransferReport = @Sendable (TransferProgress) -> Void
