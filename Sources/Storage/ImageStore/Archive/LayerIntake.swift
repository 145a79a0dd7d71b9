import Glibc
import LinuxKernel
import OCIModel
import Synchronization

/// Takes one layer's archive in pieces and unpacks it meanwhile, in one pass: digest of what came, decompression,
/// digest of the plain archive and file creation each run in a thread of their own.
///
/// The caller feeds it from one thread, then calls `finish`, and `outcome` when it needs the result.
final class LayerIntake: @unchecked Sendable {
    struct Outcome: Sendable {
        /// Digest of the bytes that came.
        let digest: Digest
        let record: LayerRecord
        /// Holds `diff`, and the recipe where the layer came uncompressed.
        let folder: String
        /// The compressed bytes as they came; nil where the layer came uncompressed.
        let blobFile: String?
        let droppedAttributes: Int
    }

    private struct Unpacked: Sendable {
        let size: Int64
        let root: RootAttributes?
        let droppedAttributes: Int
    }

    /// What becomes of compressed bytes.
    enum BlobKeeping: Sendable, Equatable {
        /// A recipe takes the place of the archive; whether they can be made again is somebody else's question.
        case dropped
        /// They are written, and go where they can be made again; a recipe takes the place of the archive then.
        case droppedWherePossible
        /// They are written beside the unpacked files.
        case written
        /// Whoever feeds them writes them into this file.
        case elsewhere(String)
    }

    private let compression: Compression
    private let folder: String
    private let keeping: BlobKeeping
    private let pool: ChunkPool
    private let hasRecipe: Bool
    private let plain: ChunkQueue
    private let packed: ChunkQueue
    private var blobFile: Descriptor?
    private var inputHash = ContentHash()
    private var inputSize: Int64 = 0
    private var threads: [WorkerThread] = []
    private let unpacked = Mutex<Result<Unpacked, any Error>?>(nil)
    private let plainDigest = Mutex<(digest: Digest, size: Int64)?>(nil)
    private let isFailed = Atomic(false)
    /// What is left where compressed bytes were tried to be let go.
    private let dropped = Mutex<Outcome?>(nil)

    /// - Parameter depth: how many chunks may wait between two stages
    init(
        folder: String, compression: Compression, keeping: BlobKeeping, pool: ChunkPool, depth: Int = 48
    ) throws {
        self.folder = folder
        self.compression = compression
        self.keeping = keeping
        self.pool = pool
        packed = ChunkQueue(depth: depth)
        plain = ChunkQueue(depth: depth)
        try makeDirectories("\(folder)/\(LayerRecipe.contentFolder)", mode: 0o755)
        try makeDirectories("\(folder)/\(LayerRecipe.displacedFolder)", mode: 0o700)
        hasRecipe = compression == .none || keeping == .dropped || keeping == .droppedWherePossible
        if compression != .none, keeping == .written || keeping == .droppedWherePossible {
            blobFile = try openFile("\(folder)/blob", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        }
        do {
            threads.append(try WorkerThread { self.unpack() })
            if compression != .none { threads.append(try WorkerThread { self.decompress() }) }
        } catch {
            fail(error)
            throw error
        }
    }

    // MARK: - The feeding thread

    /// How much was fed so far.
    var inputCount: Int64 { inputSize }

    /// Of everything that was fed so far.
    var inputDigest: Digest { inputHash.digest }

    /// Hands over a chunk; waits while the stages behind are slow.
    /// - Throws: what a stage failed with
    func feed(_ chunk: Chunk) throws {
        inputHash.update(chunk.bytes)
        inputSize += Int64(chunk.count)
        if compression == .none { return try plain.push(chunk) }
        try blobFile?.writeAll(chunk.bytes)
        try packed.push(chunk)
    }

    func finish() {
        if compression == .none {
            plainDigest.withLock { $0 = (inputHash.digest, inputSize) }
            plain.finish()
        } else {
            packed.finish()
        }
    }

    /// Ends the stages early.
    func fail(_ error: any Error) {
        isFailed.store(true, ordering: .releasing)
        packed.fail(error)
        plain.fail(error)
        join()
    }

    /// Waits for the stages' end.
    /// - Throws: `ImageError`, `SystemCallError`
    func outcome() throws -> Outcome {
        join()
        guard let result = unpacked.withLock({ $0 }) else {
            throw ImageError(.internal, "a layer's unpacking ended without a result")
        }
        return try dropped.withLock { $0 } ?? outcome(try result.get())
    }

    private func outcome(_ unpacked: Unpacked) throws -> Outcome {
        guard let plain = plainDigest.withLock({ $0 }) else {
            throw ImageError(.internal, "a layer's decompression ended without a result")
        }
        let digest = inputHash.digest
        let blob =
            hasRecipe ? nil : LayerRecord.Blob(digest: digest, size: inputSize, compression: compression)
        let blobFile: String? =
            switch keeping {
            case .elsewhere(let path) where blob != nil: path
            case .written where blob != nil: "\(folder)/blob"
            default: nil
            }
        return Outcome(
            digest: digest,
            record: LayerRecord(
                diffID: plain.digest, size: unpacked.size, archiveSize: plain.size, root: unpacked.root,
                blob: blob),
            folder: folder, blobFile: blobFile,
            droppedAttributes: unpacked.droppedAttributes)
    }

    private func join() {
        for thread in threads { thread.join() }
        threads = []
    }

    // MARK: - The other threads

    private func decompress() {
        do {
            guard let decompressor = try makeDecompressor(compression) else { return plain.finish() }
            let source = DecompressingSpanSource(QueueSpanSource(queue: packed, pool: pool), decompressor)
            var hash = ContentHash()
            var size: Int64 = 0
            while true {
                let chunk = pool.take()
                try source.fill(chunk)
                if chunk.count == 0 { break }
                hash.update(chunk.bytes)
                size += Int64(chunk.count)
                try plain.push(chunk)
            }
            let digest = hash.digest
            plainDigest.withLock { [size] in $0 = (digest, size) }
            plain.finish()
        } catch {
            plain.fail(error)
            packed.fail(error)
        }
    }

    /// After the last byte: everything has been fed, decompressed and unpacked.
    private func dropBlob(_ unpacked: Unpacked) throws {
        let blob = "\(folder)/blob"
        let outcome = try outcome(unpacked)
        let descriptor = ContentDescriptor(
            mediaType: MediaType.ociLayerGzip, digest: outcome.digest, size: inputSize)
        let left = try outcome.dropping(blob, descriptor, compression) {
            self.isFailed.load(ordering: .acquiring)
        }
        if left.blobFile == nil { try systemCall("unlink", blob) { unlink(blob) } }
        dropped.withLock { $0 = left }
    }

    private func unpack() {
        do {
            try WorkerThread.dropFileModeMask()
            let recipe = hasRecipe ? try LayerRecipeWriter("\(folder)/\(LayerRecipe.fileName)") : nil
            let reader = TarReader(QueueSpanSource(queue: plain, pool: pool), recipe: recipe)
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
            let tree = LayerTree(
                root: try openFile("\(folder)/\(LayerRecipe.contentFolder)", flags),
                displaced: SharedDescriptor(
                    try openFile("\(folder)/\(LayerRecipe.displacedFolder)", flags)))
            let unpacker = LayerUnpacker(reader: reader, tree: tree, recipe: recipe)
            try unpacker.run()
            try unpacker.hidden.write(in: folder)
            if tree.displacedCount == 0 || !hasRecipe {
                try removeTree("\(folder)/\(LayerRecipe.displacedFolder)")
            }
            let result = Unpacked(
                size: unpacker.size, root: unpacker.rootEntry, droppedAttributes: unpacker.droppedAttributes)
            if keeping == .droppedWherePossible, compression != .none { try dropBlob(result) }
            unpacked.withLock { $0 = .success(result) }
        } catch {
            unpacked.withLock { $0 = .failure(error) }
            plain.fail(error)
            packed.fail(error)
        }
    }
}
