import Glibc
@testable import ImageStore
import LinuxKernel
import OCIModel
import Testing

/// Layers made to do harm: they are refused or confined, and nothing of a refused one stays.
@Suite struct HostileLayerTests {
    /// A layer made by `build` must be refused, and leave the disk as it was.
    private func expectRefusal(
        _ codes: [ImageError.Code] = [.invalidLayer, .corruptedArchive], _ comment: Comment? = nil,
        _ build: (inout TarBuilder, String) -> Void
    ) throws {
        let fixture = try StoreFixture()
        let outside = fixture.root + "-outside"
        try makeDirectories(outside)
        defer { try? LinuxKernel.removeTree(outside) }
        let before = try fixture.files()
        var tar = TarBuilder()
        tar.file("first", "fine")
        build(&tar, outside)
        do {
            try fixture.load(ArchiveBuilder(layers: [.init(tar.finished())]).layout())
            Issue.record("the layer was accepted")
        } catch let error as ImageError {
            #expect(codes.contains(error.code), "\(error.message)")
        }
        #expect(try fixture.files() == before, comment)
        #expect(try namesInFolder(outside).isEmpty, comment)
    }

    @Test func namesThatLeadOut() throws {
        for name in ["../x", "a/../../x", "./../../x", "a/b/../../../x", "..", "first/../.."] {
            try expectRefusal { tar, _ in tar.file(name, "x") }
            try expectRefusal { tar, _ in tar.hardlink("h", name) }
            try expectRefusal { tar, _ in tar.symlink(name, "first") }
            try expectRefusal { tar, _ in tar.directory(name + "/") }
        }
    }

    @Test func absoluteNamesStayInside() throws {
        let fixture = try StoreFixture()
        var tar = TarBuilder()
        let target = fixture.root + "-escaped"
        tar.file(target, "x")
        tar.file("/../../up", "y")
        let layer = ArchiveBuilder.Layer(tar.finished())
        try fixture.load(ArchiveBuilder(layers: [layer]).layout())
        #expect(!fileExists(target))
        #expect(try text(fixture.path(layer.diffID, target)) == "x")
        #expect(try text(fixture.path(layer.diffID, "up")) == "y")
    }

    @Test func writingThroughLinksStaysInside() throws {
        let fixture = try StoreFixture()
        let outside = fixture.root + "-outside"
        try makeDirectories(outside)
        defer { try? LinuxKernel.removeTree(outside) }
        try replaceFile(outside + "/victim", Array("untouched".utf8))
        var tar = TarBuilder()
        tar.symlink("abs", outside)
        tar.directory(outside)
        tar.file("abs/planted", "x")
        tar.symlink("up", "../../../../../../../../../.." + outside)
        tar.file("up/planted2", "x")
        tar.symlink("file", outside + "/victim")
        tar.file("file", "overwritten")
        tar.symlink("proc", "/proc/self/root" + outside)
        let layer = ArchiveBuilder.Layer(tar.finished())
        try fixture.load(ArchiveBuilder(layers: [layer]).layout())
        #expect(try namesInFolder(outside) == ["victim"])
        #expect(try text(outside + "/victim") == "untouched")
        #expect(try text(fixture.path(layer.diffID, "file")) == "overwritten")
    }

    @Test func linksToNowhereAndLoopsAreRefused() throws {
        try expectRefusal { tar, outside in
            tar.symlink("dir", outside)  // does not exist below the layer's root
            tar.file("dir/x", "x")
        }
        try expectRefusal { tar, _ in
            tar.symlink("a", "b")
            tar.symlink("b", "a")
            tar.file("a/x", "x")
        }
        try expectRefusal { tar, outside in
            tar.symlink("s", outside)
            tar.hardlink("h", "s/victim")
        }
        try expectRefusal { tar, _ in tar.hardlink("h", "missing") }
        try expectRefusal { tar, _ in tar.hardlink("h", "/etc/passwd") }
        try expectRefusal { tar, _ in
            tar.directory("d/")
            tar.hardlink("h", "d")
        }
    }

    /// A directory that was looked up once must not be used after a link has taken its place.
    @Test func directorySwappedForALinkIsNotWrittenThrough() throws {
        let fixture = try StoreFixture()
        let outside = fixture.root + "-outside"
        try makeDirectories(outside)
        defer { try? LinuxKernel.removeTree(outside) }
        var tar = TarBuilder()
        tar.directory("real/")
        tar.directory("dir/")
        tar.file("dir/one", "1")
        tar.symlink("dir", "real")
        tar.file("dir/two", "2")
        tar.symlink("real/out", outside)
        tar.file("real/out", "plain")
        let layer = ArchiveBuilder.Layer(tar.finished())
        try fixture.load(ArchiveBuilder(layers: [layer]).layout())
        #expect(try text(fixture.path(layer.diffID, "real/two")) == "2")
        #expect(!fileExists(fixture.path(layer.diffID, "real/one")))
        #expect(try namesInFolder(outside).isEmpty)
    }

    @Test func whiteoutsOfNoFile() throws {
        for name in [".wh.", ".wh..", ".wh...", "a/.wh..."] { try expectRefusal { tar, _ in tar.file(name) } }
        try expectRefusal { tar, _ in tar.file("../.wh.x") }
    }

    @Test func sizesThatAreNotThere() throws {
        for size in [
            TarBuilder.octal(1 << 32, 12), TarBuilder.base256(.max, 12), TarBuilder.base256(-1, 12),
            TarBuilder.base256(1 << 62, 12), Array("99999999999\u{0}".utf8),
            [UInt8](repeating: 0xFF, count: 12),
        ] {
            try expectRefusal { tar, _ in tar.add(Array("x".utf8), type: "0", .init(size: size)) }
            for type in ["x", "L", "K", "g"] as [Character] {
                try expectRefusal { tar, _ in tar.add(Array("x".utf8), type: type, .init(size: size)) }
            }
        }
        try expectRefusal { tar, _ in
            tar.add(Array("x".utf8), type: "0", .init(extended: [("size", Array("99999999".utf8))]))
        }
        try expectRefusal { tar, _ in
            tar.add(Array("x".utf8), type: "0", .init(extended: [("size", Array("-1".utf8))]))
        }
    }

    @Test func sparseMapsThatDoNotFit() throws {
        for (map, size) in [
            ("0,3", "2"), ("5,3,0,3", "10"), ("0,9223372036854775807,1,1", "10"), ("0,2", "10"),
        ] {
            try expectRefusal { tar, _ in
                tar.add(
                    Array("s".utf8), type: "0", content: [1, 2, 3],
                    .init(extended: [
                        ("GNU.sparse.map", Array(map.utf8)), ("GNU.sparse.size", Array(size.utf8)),
                    ]))
            }
        }
        try expectRefusal { tar, _ in
            tar.add(
                Array("s".utf8), type: "0", content: Array("99999999999\n".utf8),
                .init(extended: [("GNU.sparse.major", Array("1".utf8))]))
        }
    }

    @Test func namesThatNoFileSystemHolds() throws {
        try expectRefusal { tar, _ in
            tar.add(
                [120], type: "0",
                .init(extended: [("path", [UInt8](repeating: UInt8(ascii: "n"), count: 256))]))
        }
        try expectRefusal { tar, _ in
            tar.add(
                [120], type: "0",
                .init(extended: [("path", Array(String(repeating: "d/", count: 20000).utf8))]))
        }
        try expectRefusal { tar, _ in
            tar.add([120], type: "0", .init(extended: [("path", [97, 0, 98])]))
        }
        try expectRefusal { tar, _ in tar.add(Array("./".utf8), type: "0", content: [1]) }
        try expectRefusal { tar, _ in tar.add(Array("x".utf8), type: "Z") }
        try expectRefusal { tar, _ in tar.add(Array("x".utf8), type: "0", .init(corruptsChecksum: true)) }
    }

    @Test func deepTreesAreUnpackedAndRemoved() throws {
        let fixture = try StoreFixture()
        let before = try fixture.files()
        var tar = TarBuilder()
        tar.add(
            [120], type: "0", content: [1],
            .init(extended: [("path", Array((String(repeating: "d/", count: 12000) + "f").utf8))]))
        try fixture.load(ArchiveBuilder(layers: [.init(tar.finished())]).layout())
        _ = try fixture.store.remove("example", force: false, pruneParents: true) { _ in [] }
        #expect(try fixture.files() == before)
    }

    @Test func randomlyDamagedLayersNeitherCrashNorEscape() throws {
        var random = SystemRandomNumberGenerator()
        var tar = TarBuilder()
        tar.directory("dir/")
        tar.file("dir/file", "content", mode: 0o755, uid: 3)
        tar.symlink("dir/link", "../x")
        tar.hardlink("hard", "dir/file")
        tar.add(
            Array("p".utf8), type: "0", content: [1, 2, 3],
            .init(extended: [("mtime", Array("12.5".utf8)), ("SCHILY.xattr.user.a", [1])]))
        tar.file("dir/.wh.gone")
        let whole = tar.finished()
        let fixture = try StoreFixture()
        let folder = fixture.root + "/fuzz"
        for round in 0..<400 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            if round % 2 == 0 { TarBuilder.fixChecksums(&bytes) }
            let pool = ChunkPool()
            let intake = try LayerIntake(
                folder: "\(folder)/\(round)/l", compression: .none, keeping: .written, pool: pool)
            let chunk = pool.take()
            bytes.withUnsafeBytes { chunk.space.copyMemory(from: $0) }
            chunk.count = bytes.count
            do {
                try intake.feed(chunk)
                intake.finish()
                let outcome = try intake.outcome()
                // What was accepted comes back byte for byte.
                var again: [UInt8] = []
                try LayerRecipeReader(folder: outcome.folder).write { again.append(contentsOf: $0) }
                #expect(again == bytes)
            } catch {
                intake.fail(error)
            }
            #expect(try namesInFolder("\(folder)/\(round)") == ["l"])
        }
    }

    @Test func randomlyDamagedArchivesNeitherCrashNorStay() throws {
        var random = SystemRandomNumberGenerator()
        var tar = TarBuilder()
        tar.file("f", "content")
        let archive = ArchiveBuilder(layers: [.init(tar.finished())])
        let forms = [archive.layout(), archive.dockerSave()]
        let fixture = try StoreFixture()
        let before = try fixture.files()
        for round in 0..<150 {
            var bytes = forms[round % 2]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            if round % 3 != 0 { TarBuilder.fixChecksums(&bytes) }
            guard let result = try? fixture.load(bytes) else { continue }
            for image in result.images {
                _ = try fixture.store.remove(image.id.description, force: true, pruneParents: true) { _ in []
                }
            }
        }
        #expect(try fixture.files() == before)
    }
}
