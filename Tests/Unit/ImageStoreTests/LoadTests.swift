import JSONCodec
import Glibc
@testable import ImageStore
import LinuxKernel
import OCIModel
import Synchronization
import Testing

@Suite struct LoadTests {
    private func simpleLayer(_ text: String = "hello") -> [UInt8] {
        var tar = TarBuilder()
        tar.directory("etc/")
        tar.file("etc/motd", text)
        return tar.finished()
    }

    @Test func dockerSaveArchiveLoadsUnderItsTag() throws {
        let fixture = try StoreFixture()
        let archive = ArchiveBuilder(layers: [.init(simpleLayer())])
        let result = try fixture.load(archive.dockerSave())
        #expect(result.images == [.init(id: archive.id, references: [try Reference("example:latest")])])
        let image = try fixture.store.image("example")
        #expect(image.id == archive.id)
        #expect(image.size == 5)
        #expect(try text(image.layerPaths[0] + "/etc/motd") == "hello")
        #expect(image.configuration.config.command == ["sh"])
    }

    @Test func layoutLoadsUnderItsTagAndKeepsItsManifest() throws {
        let fixture = try StoreFixture()
        let archive = ArchiveBuilder(layers: [.init(simpleLayer()), .init(simpleLayer("two"))])
        try fixture.load(archive.layout())
        let image = try fixture.store.image("example:latest")
        #expect(image.id == archive.id)
        #expect(image.manifest == sha256(archive.manifest))
        #expect(image.layerPaths.count == 2)
        #expect(try text(image.layerPaths[0] + "/etc/motd") == "two")
    }

    @Test func imagesAndTheirNamesOutliveTheStore() throws {
        let fixture = try StoreFixture()
        let archive = ArchiveBuilder(layers: [.init(simpleLayer())], tags: ["example:1", "example:2"])
        try fixture.load(archive.layout())
        try fixture.reopen()
        let image = try fixture.store.image("example:2")
        #expect(image.id == archive.id)
        #expect(image.repositoryTags == ["example:1", "example:2"])
        #expect(image.lastTagged != nil)
    }

    @Test func damagedArchivesLeaveNothingBehind() throws {
        let fixture = try StoreFixture()
        let empty = try fixture.files()
        let archive = ArchiveBuilder(layers: [.init(simpleLayer()), .init(simpleLayer("two"))])
        let whole = archive.layout()
        for length in stride(from: 0, to: whole.count - 1536, by: 509) {
            #expect(throws: ImageError.self) { try fixture.load(Array(whole[..<length])) }
        }
        #expect(try fixture.files() == empty)
        #expect(try fixture.store.list().isEmpty)
    }

    @Test func contentWithAnotherDigestThanClaimedIsRefused() throws {
        let fixture = try StoreFixture()
        let empty = try fixture.files()
        var archive = ArchiveBuilder(layers: [.init(simpleLayer())])
        archive.diffIDs = [sha256("something else".utf8)]
        expectImageError(.corruptedArchive) { try fixture.load(archive.layout()) }
        expectImageError(.corruptedArchive) { try fixture.load(archive.dockerSave()) }
        archive.diffIDs = nil
        var bytes = archive.layout()
        let motd = bytes.firstRange(of: Array("hello".utf8))!
        bytes[motd.lowerBound] = UInt8(ascii: "j")
        expectImageError(.corruptedArchive) { try fixture.load(bytes) }
        #expect(try fixture.files() == empty)
    }

    @Test func archiveWithoutImageIsRefused() throws {
        let fixture = try StoreFixture()
        expectImageError(.corruptedArchive) { try fixture.load([]) }
        expectImageError(.corruptedArchive) { try fixture.load(Array("this is no archive at all".utf8)) }
        expectImageError(.corruptedArchive) { try fixture.load(simpleLayer()) }
        expectImageError(.corruptedArchive) { try fixture.load([UInt8](repeating: 0, count: 10240)) }
    }

    @Test func newImageTakesTheNameOfTheOld() throws {
        let fixture = try StoreFixture()
        let old = ArchiveBuilder(layers: [.init(simpleLayer("old"))])
        let new = ArchiveBuilder(layers: [.init(simpleLayer("new"))])
        try fixture.load(old.layout())
        let result = try fixture.load(new.layout())
        #expect(result.displaced == [.init(reference: try Reference("example:latest"), id: old.id)])
        #expect(try fixture.store.image("example").id == new.id)
        #expect(try fixture.store.image(old.id.short).references.isEmpty)
    }

    @Test func loadingTwiceChangesNothing() throws {
        let fixture = try StoreFixture()
        let archive = ArchiveBuilder(layers: [.init(simpleLayer())])
        try fixture.load(archive.layout())
        let files = try fixture.files()
        try fixture.load(archive.layout())
        try fixture.load(archive.dockerSave())
        #expect(try fixture.files() == files)
        #expect(try fixture.store.list().count == 1)
    }

    @Test func manyLoadsAtOnceShareTheLayer() throws {
        let fixture = try StoreFixture()
        let archives = (0..<6).map { index in
            ArchiveBuilder(
                layers: [.init(simpleLayer()), .init(simpleLayer("\(index)"))], tags: ["example:\(index)"])
        }
        let store = fixture.store
        let threads = try archives.map { archive in
            let bytes = archive.layout()
            return try WorkerThread { _ = try? store.load(from: MemorySource(bytes)) }
        }
        for thread in threads { thread.join() }
        #expect(try store.list().count == 6)
        let layers = store.state.withLock { $0.layers.count }
        #expect(layers == 7)
    }

    @Test func multiPlatformIndexGivesTheHostsImage() throws {
        let fixture = try StoreFixture()
        let archive = ArchiveBuilder(layers: [.init(simpleLayer())])
        var tar = TarBuilder()
        func add(_ name: String, _ content: [UInt8]) {
            tar.add(Array(name.utf8), type: "0", content: content)
        }
        func blob(_ content: [UInt8]) { add("blobs/sha256/\(sha256(content).hex)", content) }
        for content in [archive.layers[0].stored, archive.configuration, archive.manifest] { blob(content) }
        var mine = archive.descriptor(MediaType.ociManifest, archive.manifest).objectValue!
        mine["platform"] = ["os": "linux", "architecture": .string(Platform.host.architecture)]
        var other = archive.descriptor(MediaType.ociManifest, Array("{}".utf8)).objectValue!
        other["platform"] = ["os": "linux", "architecture": "s390x"]
        let inner = try JSONValue(encoding: ImageIndexDocument(manifests: [.object(other), .object(mine)]))
            .bytes()
        blob(inner)
        let outer = try JSONValue(
            encoding: ImageIndexDocument(manifests: [archive.descriptor(MediaType.ociIndex, inner)])
        ).bytes()
        add("index.json", outer)
        #expect(try fixture.load(tar.finished()).images.map(\.id) == [archive.id])
    }

    private struct ImageIndexDocument: Encodable {
        let schemaVersion = 2
        let manifests: [JSONValue]
    }
}
