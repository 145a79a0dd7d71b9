@testable import ImageStore
import LinuxKernel
import OCIModel
import Synchronization
import Testing

@Suite struct IngestTests {
    private let fixture: StoreFixture
    private let builder: ArchiveBuilder

    init() throws {
        fixture = try StoreFixture()
        var layers: [ArchiveBuilder.Layer] = []
        for number in 0..<2 {
            var tar = TarBuilder()
            tar.file("file\(number)", String(repeating: number == 0 ? "a" : "b", count: 300_000))
            let plain = tar.finished()
            layers.append(
                ArchiveBuilder.Layer(plain, stored: try Self.gzip(plain), mediaType: MediaType.ociLayerGzip))
        }
        builder = ArchiveBuilder(layers: layers)
    }

    static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        let compressor = GzipCompressor()
        var output: [UInt8] = []
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { room.deallocate() }
        try bytes.withUnsafeBytes { input in
            var rest = input
            while !compressor.isFinished {
                let count = try compressor.compress(&rest, isLast: true, into: room)
                output += UnsafeRawBufferPointer(rebasing: room[..<count])
            }
        }
        return output
    }

    private func descriptor(_ layer: ArchiveBuilder.Layer) -> ContentDescriptor {
        ContentDescriptor(mediaType: layer.mediaType, digest: layer.digest, size: Int64(layer.stored.count))
    }

    private func take(_ layer: ArchiveBuilder.Layer, _ ingest: ImageIngest, content: [UInt8]? = nil) throws {
        let bytes = content ?? layer.stored
        try ingest.layer(
            descriptor(layer), diffID: layer.diffID,
            open: { MemorySource(Array(bytes[Int($0)...])) }, report: { _ in })
    }

    private func commit(_ ingest: ImageIngest) throws -> LoadResult {
        try ingest.commit(
            configuration: builder.configuration,
            manifest: (builder.manifest, MediaType.ociManifest, sha256(builder.manifest)),
            references: [try Reference("example:pulled")])
    }

    @Test func layersBecomeAnImageThatIsSavedAsItCame() throws {
        let ingest = try fixture.store.beginIngest(parallelLayers: 2)
        for layer in builder.layers { try take(layer, ingest) }
        let result = try commit(ingest)
        #expect(result.images.map(\.id) == [builder.id])
        #expect(try text(fixture.path(builder.layers[0].diffID, "file0")).count == 300_000)
        #expect(try fixture.files().allSatisfy { !$0.hasPrefix("content/arrivals/") })
        let export = try fixture.store.beginExport(builder.id)
        #expect(export.layers.map { $0.descriptor?.digest } == builder.layers.map(\.digest))
        #expect(!export.layers.contains { !$0.isAvailable })
        #expect(export.manifest?.bytes == builder.manifest)
    }

    @Test func contentWithAnotherDigestLeavesNothing() throws {
        let ingest = try fixture.store.beginIngest(parallelLayers: 1)
        var damaged = builder.layers[0].stored
        damaged[damaged.count / 2] ^= 1
        expectImageError(.corruptedArchive) { try take(builder.layers[0], ingest, content: damaged) }
        #expect(!fixture.hasLayer(builder.layers[0].diffID))
        #expect(fixture.store.arrivals.isEmpty)
        try take(builder.layers[0], ingest)
    }

    @Test func whatCameBeforeIsNotFetchedAgain() throws {
        let layer = builder.layers[0]
        let half = layer.stored.count / 2
        try replaceFile(fixture.store.paths.arrival(layer.digest), layer.stored[..<half])
        let ingest = try fixture.store.beginIngest(parallelLayers: 1)
        let asked = Mutex<[Int64]>([])
        try ingest.layer(
            descriptor(layer), diffID: layer.diffID,
            open: { offset in
                asked.withLock { $0.append(offset) }
                return MemorySource(Array(layer.stored[Int(offset)...]))
            }, report: { _ in })
        #expect(asked.withLock { $0 } == [Int64(half)])
    }

    @Test func damagedBytesOfAnEarlierTryAreFetchedAgain() throws {
        let layer = builder.layers[0]
        let half = layer.stored.count / 2
        try replaceFile(
            fixture.store.paths.arrival(layer.digest), [UInt8](repeating: 0, count: half))
        let ingest = try fixture.store.beginIngest(parallelLayers: 1)
        try take(layer, ingest)
        #expect(fixture.hasLayer(layer.diffID))
    }

    @Test func ingestThatIsGivenUpTakesItsLayersAlong() throws {
        do {
            let ingest = try fixture.store.beginIngest(parallelLayers: 2)
            try take(builder.layers[0], ingest)
        }
        #expect(!fixture.hasLayer(builder.layers[0].diffID))
        #expect(try fixture.files().filter { $0.hasPrefix("content/blobs/sha256/") }.isEmpty)
    }

    @Test func plainLayersAreCompressedToTheSameBytesEachTime() throws {
        let plain = ArchiveBuilder(layers: builder.layers.map { ArchiveBuilder.Layer($0.plain) })
        try fixture.load(plain.dockerSave())
        let export = try fixture.store.beginExport(plain.id)
        func compressed(piece: Int) throws -> Digest {
            let source = try export.compress(export.layers[0])
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 16)
            defer { room.deallocate() }
            while try source.read(into: room) > 0 {}
            return source.digest
        }
        #expect(try compressed(piece: 64 << 10) == compressed(piece: 100))
    }

    @Test func pruneTakesUnnamedImagesOnly() throws {
        let ingest = try fixture.store.beginIngest(parallelLayers: 2)
        for layer in builder.layers { try take(layer, ingest) }
        _ = try commit(ingest)
        #expect(try fixture.store.prune(ImagePruneFilter()) { _ in [] }.removals.isEmpty)
        var all = ImagePruneFilter()
        all.dangling = false
        let used = [ImageUse(containerID: "c", isRunning: false)]
        #expect(try fixture.store.prune(all) { _ in used }.removals.isEmpty)
        let result = try fixture.store.prune(all) { _ in [] }
        #expect(result.removals.contains(.deletedImage(builder.id)))
        #expect(result.reclaimed >= 600_000)
        #expect(try fixture.store.usage().total == 0)
    }
}
