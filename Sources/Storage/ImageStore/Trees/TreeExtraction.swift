import Glibc
package import LinuxKernel
import Synchronization

/// Unpacks a tar archive that nobody has checked into a directory that others may use meanwhile, hostile ones too:
/// every name stays below the directory, whatever links lie or appear there, and nothing is written through one.
package struct TreeExtraction: Sendable {
    /// The directory below the root that the archive's names are relative to: components joined by slashes, none at
    /// the ends. Links on the way to it and below it lead where they would with the root as `/`.
    package var base: [UInt8] = []
    /// Who gets everything; nil for whom the archive says.
    package var owner: (uid: UInt32, gid: UInt32)?
    /// Refuses a directory in a file's place and the other way round.
    package var forbidsOtherKinds = false
    /// Whether the archive's own entry for its root changes the owner, mode and times of the root.
    package var setsRoot = false

    package init() {}

    /// What was unpacked.
    package struct Outcome: Sendable {
        /// Bytes of regular files, holes included.
        package let size: Int64
        /// How many extended attributes the file system could not hold.
        package let droppedAttributes: Int
    }

    /// Reads an archive to its end, plain or compressed (gzip, zstd), and makes its files; what is in the way of one is
    /// removed. Where it fails, what was made until then stays. Nothing is synced.
    /// - Parameter root: an open directory; kept open until the end
    /// - Throws: `ImageError`, what the source throws
    package func run(_ source: any ByteSource, into root: consuming Descriptor) throws -> Outcome {
        let pool = ChunkPool()
        let queue = ChunkQueue(depth: 16)
        let outcome = Mutex<Outcome?>(nil)
        let shared = SharedDescriptor(root)
        let first = pool.take()
        try ImageStore.fill(first, from: source)
        let compression = try Compression.detect(first.bytes)
        // A thread of its own has a file mode mask of its own.
        let worker = try WorkerThread {
            do {
                let unpacked = try unpack(QueueSpanSource(queue: queue, pool: pool), compression, shared)
                outcome.withLock { $0 = unpacked }
            } catch {
                queue.fail(error)
            }
        }
        do {
            var chunk = first
            while chunk.count > 0 {
                try queue.push(chunk)
                chunk = pool.take()
                try ImageStore.fill(chunk, from: source)
            }
            queue.finish()
        } catch {
            queue.fail(error)
        }
        worker.join()
        if let outcome = outcome.withLock({ $0 }) { return outcome }
        // Says what failed first.
        _ = try queue.pop()
        throw ImageError(.internal, "an archive's unpacking ended without a result")
    }

    private func unpack(
        _ source: any SpanSource, _ compression: Compression, _ root: SharedDescriptor
    ) throws -> Outcome {
        try WorkerThread.dropFileModeMask()
        let plain = try makeDecompressor(compression).map { DecompressingSpanSource(source, $0) } ?? source
        let tree = LayerTree(root: try root.duplicate())
        let unpacker = LayerUnpacker(reader: TarReader(plain), tree: tree, extraction: self)
        try unpacker.run()
        return Outcome(size: unpacker.size, droppedAttributes: unpacker.droppedAttributes)
    }

    /// - Throws: in Docker's words
    func require(_ existing: stat, canBecome entry: TarEntry) throws {
        guard forbidsOtherKinds else { return }
        let isDirectory = existing.st_mode & S_IFMT == S_IFDIR
        guard isDirectory != (entry.kind == .directory) else { return }
        let place = "/" + String(decoding: base, as: UTF8.self)
        let path = (place == "/" ? "" : place) + "/" + entry.displayName
        throw ImageError(
            .invalidArgument,
            isDirectory
                ? "cannot overwrite directory \"\(path)\" with non-directory \"\(place)\""
                : "cannot overwrite non-directory \"\(path)\" with directory \"\(place)\"")
    }
}
