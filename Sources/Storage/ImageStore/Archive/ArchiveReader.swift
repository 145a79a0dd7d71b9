import LinuxKernel
import OCIModel
import Synchronization

/// Takes an image archive apart while it streams in: documents stay in memory, layers are unpacked at once.
/// Which layer belongs to which image is known only at the end, since archives hold their manifests anywhere.
final class ArchiveReader {
    enum Member {
        case document([UInt8])
        case layer(LayerIntake)
        /// A layer that the store has; its bytes were passed over.
        case known(Digest)
        case link(String)
        /// Something else, with what is wrong with it as a layer.
        case other(String)
    }

    private(set) var members: [String: Member] = [:]
    private let store: ImageStore
    private let staging: StagingFolder
    private let progress: (@Sendable (LoadProgress) -> Void)?
    private let pool = ChunkPool()
    private var documentBytes: Int64 = 0
    private var nameBytes = 0
    private var intakes: [LayerIntake] = []
    /// Layers being unpacked; a new one waits for the oldest beyond `parallelLayers`.
    private var active: [LayerIntake] = []
    /// Pinned in the store's state.
    private(set) var pinned: [Digest] = []

    private static let parallelLayers = 3
    private static let documentLimit: Int64 = 16 << 20
    private static let documentTotalLimit: Int64 = 128 << 20
    private static let memberLimit = 100_000
    /// Bytes of all members' names.
    private static let nameLimit = 64 << 20

    init(store: ImageStore, staging: StagingFolder, progress: (@Sendable (LoadProgress) -> Void)?) {
        self.store = store
        self.staging = staging
        self.progress = progress
    }

    /// Reads the whole stream; afterwards every layer is unpacked.
    /// - Throws: `ImageError`
    func read(_ source: any ByteSource) throws {
        do {
            let input = ReadingSpanSource(source)
            let first = try input.nextSpan()
            guard !first.isEmpty else { throw ImageError(.corruptedArchive, "the archive is empty") }
            var stream: any SpanSource = PrefixedSpanSource(first, input)
            if let decompressor = try makeDecompressor(Compression.detect(first)) {
                stream = DecompressingSpanSource(stream, decompressor)
            }
            let tar = TarReader(stream)
            while try tar.next() { try take(tar) }
            try tar.drain()
            for intake in active { _ = try intake.outcome() }
        } catch {
            cancel(error)
            throw error
        }
    }

    /// Ends what is under way.
    func cancel(_ error: any Error) {
        for intake in intakes { intake.fail(error) }
    }

    /// Lets go of the layers that were found in the store.
    func releasePins() {
        store.release(pinned)
        pinned = []
    }

    // MARK: - Members

    private func take(_ tar: TarReader) throws {
        let entry = tar.entry
        var path = LayerPath()
        try path.assign(entry.name, of: "archive entry")
        let name = String(decoding: path.bytes.dropLast(), as: UTF8.self)
        nameBytes += path.count + entry.linkName.count
        guard nameBytes <= Self.nameLimit else {
            throw ImageError(
                .corruptedArchive, "the names in the archive take more than \(Self.nameLimit >> 20) MiB")
        }
        switch entry.kind {
        case .regular: try takeFile(tar, name)
        case .symbolicLink:
            // `docker save` writes equal layers once, and links.
            let folder = name.lastIndex(of: "/").map { name[...$0] } ?? ""
            var target = LayerPath()
            try target.assign(Array(folder.utf8) + entry.linkName, of: "archive link")
            members[name] = .link(String(decoding: target.bytes.dropLast(), as: UTF8.self))
        case .hardLink:
            var target = LayerPath()
            try target.assign(entry.linkName, of: "archive link")
            members[name] = .link(String(decoding: target.bytes.dropLast(), as: UTF8.self))
        default: break
        }
        guard members.count <= Self.memberLimit else {
            throw ImageError(.corruptedArchive, "the archive has more than \(Self.memberLimit) members")
        }
    }

    private func takeFile(_ tar: TarReader, _ name: String) throws {
        let digest = Self.digest(inBlobName: name)
        if let digest, let known = knownLayer(digest) {
            members[name] = .known(known)
            return
        }
        let first = try tar.nextData()
        if first.first == UInt8(ascii: "{") || first.first == UInt8(ascii: "[") {
            return try takeDocument(tar, name, first, digest)
        }
        do {
            let compression = try Compression.detect(first)
            if compression == .none, !Self.isTar(first) {
                members[name] = .other("is no tar archive")
                return
            }
            try takeLayer(tar, name, first, compression)
        } catch let error as ImageError where error.code == .unsupported {
            members[name] = .other(error.message)
        }
    }

    private func takeDocument(
        _ tar: TarReader, _ name: String, _ first: UnsafeRawBufferPointer, _ digest: Digest?
    ) throws {
        var bytes = Array(first)
        let size = tar.entry.size
        guard size <= Self.documentLimit, documentBytes + size <= Self.documentTotalLimit else {
            throw ImageError(.corruptedArchive, "\"\(name)\" is too large for a document of an image")
        }
        documentBytes += size
        bytes.append(contentsOf: try tar.allData(limit: Self.documentLimit))
        if let digest { try Self.verify(name, expected: digest, actual: sha256(bytes)) }
        members[name] = .document(bytes)
    }

    private func takeLayer(
        _ tar: TarReader, _ name: String, _ first: UnsafeRawBufferPointer, _ compression: Compression
    ) throws {
        while active.count >= Self.parallelLayers { _ = try active.removeFirst().outcome() }
        let intake = try LayerIntake(
            folder: "\(staging.path)/\(intakes.count)", compression: compression,
            keeping: store.keepsBlobs ? .written : .droppedWherePossible, pool: pool)
        intakes.append(intake)
        active.append(intake)
        members[name] = .layer(intake)
        let label = Self.label(name)
        let total = tar.entry.size
        var done: Int64 = 0
        var chunk = pool.take()
        var piece = first
        while !piece.isEmpty {
            let count = min(piece.count, chunk.space.count)
            chunk.space.copyMemory(from: UnsafeRawBufferPointer(rebasing: piece[..<count]))
            chunk.count += count
            done += Int64(count)
            if chunk.isFull {
                try intake.feed(chunk)
                progress?(.layer(id: label, current: done, total: total))
                chunk = pool.take()
            }
            piece =
                count < piece.count ? UnsafeRawBufferPointer(rebasing: piece[count...]) : try tar.nextData()
        }
        try intake.feed(chunk)
        intake.finish()
        progress?(.layerComplete(id: label))
        if let digest = Self.digest(inBlobName: name) {
            try Self.verify(name, expected: digest, actual: intake.inputDigest)
        }
    }

    private func knownLayer(_ digest: Digest) -> Digest? {
        let known = store.state.withLock { state -> Digest? in
            let layer =
                state.layers[digest]?.diffID
                ?? state.layers.values.first { $0.blob?.digest == digest }?.diffID
            guard let layer, state.pinIfPresent(layer: layer) else { return nil }
            return layer
        }
        if let known { pinned.append(known) }
        return known
    }

    static func verify(_ name: String, expected: Digest, actual: Digest) throws {
        guard expected != actual else { return }
        throw ImageError(
            .corruptedArchive, "the archive is corrupted: the content of \"\(name)\" has the digest \(actual)"
        )
    }

    /// The digest that a member of an OCI layout is named by.
    private static func digest(inBlobName name: String) -> Digest? {
        let parts = name.split(separator: "/")
        guard parts.count == 3, parts[0] == "blobs", parts[1] == "sha256" else { return nil }
        return Digest(hex: parts[2])
    }

    /// What progress calls the layer: the beginning of the longest hexadecimal part of its name.
    private static func label(_ name: String) -> String {
        let parts = name.split { $0 == "/" || $0 == "." }
        let hex = parts.last { $0.utf8.count >= 12 && $0.utf8.allSatisfy { Digest.isHexadecimal($0) } }
        return String((hex ?? parts.first ?? "layer").prefix(12))
    }

    private static func isTar(_ start: UnsafeRawBufferPointer) -> Bool {
        guard start.count >= TarReader.blockSize else { return false }
        let block = UnsafeRawBufferPointer(rebasing: start[..<TarReader.blockSize])
        return TarHeader.isEnd(block) || TarHeader.hasValidChecksum(block)
    }
}
