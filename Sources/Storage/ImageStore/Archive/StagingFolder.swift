import LinuxKernel

/// The folder of one load; what is not moved out of it goes with it.
final class StagingFolder: Sendable {
    let path: String
    private let trash: TrashCollector

    init(_ paths: StorePaths, trash: TrashCollector) throws {
        path = "\(paths.staging)/\(UInt64.random(in: 0...UInt64.max))"
        self.trash = trash
        try makeDirectories(path, mode: 0o700)
    }

    deinit {
        // A failure leaves the folder to the next opening of the store.
        try? trash.discard(path)
    }
}
