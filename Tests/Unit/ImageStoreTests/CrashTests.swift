import Glibc
@testable import ImageStore
import LinuxKernel
import OCIModel
import Testing

/// What a daemon's end at any point leaves is cleared when the store opens.
@Suite struct CrashTests {
    private func archive(_ text: String, _ tag: String) -> ArchiveBuilder {
        var tar = TarBuilder()
        for index in 0..<50 { tar.file("folder-\(index)/file", text) }
        return ArchiveBuilder(layers: [.init(tar.finished())], tags: [tag])
    }

    @Test func leftoversOfEveryStepAreCleared() throws {
        let fixture = try StoreFixture()
        let image = archive("kept", "kept:1")
        try fixture.load(image.layout())
        let before = try fixture.files()
        let paths = fixture.store.paths
        // Died while unpacking; after a layer's move, before its record; after a blob's; while deleting.
        try makeDirectories(paths.staging + "/123/0/diff/etc")
        try makeDirectories(paths.overlay + "/" + String(repeating: "a", count: 64) + "/diff/etc")
        try replaceFile(paths.blobs + "/" + String(repeating: "b", count: 64), [1, 2, 3])
        try makeDirectories(paths.trash + "/77/x")
        try fixture.reopen()
        #expect(try fixture.files() == before)
        #expect(try fixture.store.image("kept:1").id == image.id)
        // The leftover of a layer does not hinder loading that layer.
        let next = archive("next", "next:1")
        try makeDirectories(paths.layer(next.layers[0].diffID) + "/diff/stale")
        try fixture.load(next.layout())
        #expect(!fileExists(fixture.path(next.layers[0].diffID, "stale")))
    }

    @Test func uploadsThatEndEarlyLeaveNothing() throws {
        let fixture = try StoreFixture()
        let archives = (0..<3).map { archive("text \($0)", "image:\($0)") }
        for (index, archive) in archives.enumerated() {
            let pipe = try makePipe()
            let bytes = archive.layout()
            let store = fixture.store
            let thread = try WorkerThread {
                _ = try? store.load(from: DescriptorSource(Descriptor(owning: pipe.read)))
            }
            let sink = DescriptorSink(Descriptor(owning: pipe.write))
            try bytes.prefix(bytes.count * (index + 1) / 4).withUnsafeBytes { try sink.write($0) }
            _ = consume sink
            thread.join()
        }
        #expect(try fixture.store.list().isEmpty)
        #expect(try namesInFolder(fixture.store.paths.staging).isEmpty)
        try fixture.reopen()
        for archive in archives { try fixture.load(archive.layout()) }
        #expect(try fixture.store.list().count == 3)
    }
}
