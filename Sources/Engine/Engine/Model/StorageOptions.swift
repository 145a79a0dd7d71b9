/// `--storage-opt` of one container.
struct StorageOptions: Sendable, Hashable {
    /// Bytes that the container's layer may hold; 0 for any number, nil for the daemon's default.
    private let size: UInt64?

    /// - Throws: `EngineError`, in Docker's words
    init(parsing options: [String: String]) throws(EngineError) {
        var size: UInt64?
        for (key, value) in options.sorted(by: { $0.key < $1.key }) {
            guard key.lowercased() == "size" else { throw .invalid("unknown option \(key)") }
            guard let bytes = ByteSize.parse(value), bytes >= 0 else {
                throw .invalid("invalid size: '\(value)'")
            }
            size = UInt64(bytes)
        }
        self.size = size
    }

    func size(default standard: UInt64?) -> UInt64? {
        let chosen = size ?? standard ?? 0
        return chosen > 0 ? chosen : nil
    }
}
