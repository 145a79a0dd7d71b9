import CLinux
import Glibc
@testable import ImageStore
import LinuxKernel
import OCIModel
import Testing

/// Layers with everything that a file system can hold.
@Suite struct UnpackTests {
    private func load(_ fixture: StoreFixture, _ tar: TarBuilder) throws -> Digest {
        let layer = ArchiveBuilder.Layer(tar.finished())
        try fixture.load(ArchiveBuilder(layers: [layer]).layout())
        return layer.diffID
    }

    @Test func ownersModesAndTimesAreKept() throws {
        let fixture = try StoreFixture()
        var tar = TarBuilder()
        tar.add(Array("./".utf8), type: "5", .init(mode: 0o750, uid: 7, gid: 8))
        tar.add(
            Array("bin/su".utf8), type: "0", content: [1, 2, 3],
            .init(mode: 0o4755, uid: 5, gid: 6, extended: [("mtime", Array("1600000000.123456789".utf8))]))
        tar.add(Array("bin/".utf8), type: "5", .init(mode: 0o2775, uid: 1, gid: 2, time: 1_500_000_000))
        tar.file("bin/plain", "x", mode: 0o666)
        tar.symlink("link", "bin/su")
        tar.add(Array("null".utf8), type: "3", .init(mode: 0o666, device: (1, 3)))
        tar.add(Array("pipe".utf8), type: "6", .init(mode: 0o600))
        tar.hardlink("same", "bin/su")
        let diffID = try load(fixture, tar)
        let su = try status(fixture.path(diffID, "bin/su"))
        #expect(su.st_mode == S_IFREG | 0o4755)
        #expect((su.st_uid, su.st_gid) == (5, 6))
        #expect((su.st_mtim.tv_sec, su.st_mtim.tv_nsec) == (1_600_000_000, 123_456_789))
        #expect(try status(fixture.path(diffID, "same")).st_ino == su.st_ino)
        let bin = try status(fixture.path(diffID, "bin"))
        #expect(bin.st_mode == S_IFDIR | 0o2775)
        #expect((bin.st_uid, bin.st_gid, bin.st_mtim.tv_sec) == (1, 2, 1_500_000_000))
        let plain = try status(fixture.path(diffID, "bin/plain"))
        #expect((plain.st_gid, plain.st_mode) == (0, S_IFREG | 0o666))
        let root = try status(fixture.path(diffID))
        #expect((root.st_mode, root.st_uid, root.st_gid) == (S_IFDIR | 0o750, 7, 8))
        #expect(try status(fixture.path(diffID, "null")).st_rdev == dev_t(skiff_make_device(1, 3)))
        #expect(try status(fixture.path(diffID, "pipe")).st_mode == S_IFIFO | 0o600)
        #expect(try text(fixture.path(diffID, "link")) == "\u{1}\u{2}\u{3}")
        let container = try fixture.store.createContainerLayer(
            id: "c1", image: fixture.store.image("example").id)
        let upper = try status(fixture.store.paths(of: container).upper)
        #expect((upper.st_mode, upper.st_uid, upper.st_gid) == (S_IFDIR | 0o750, 7, 8))
    }

    @Test func attributesAreKeptAndThoseOfTheOverlayAreNot() throws {
        let fixture = try StoreFixture()
        // cap_net_raw+ep, as file capabilities version 2.
        let capability: [UInt8] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        var tar = TarBuilder()
        tar.add(
            Array("ping".utf8), type: "0", content: [1],
            .init(
                mode: 0o755, uid: 3,
                extended: [
                    ("SCHILY.xattr.security.capability", capability),
                    ("SCHILY.xattr.user.note", [0, 10, 61]),
                    ("SCHILY.xattr.trusted.overlay.redirect", Array("/etc".utf8)),
                ]))
        let path = fixture.path(try load(fixture, tar), "ping")
        func attribute(_ name: String) -> [UInt8]? {
            var value = [UInt8](repeating: 0, count: 64)
            let count = skiff_get_attribute(path, name, &value, 64)
            return count < 0 ? nil : Array(value[..<Int(count)])
        }
        #expect(attribute("security.capability") == capability)
        #expect(attribute("user.note") == [0, 10, 61])
        #expect(attribute("trusted.overlay.redirect") == nil)
    }

    @Test func whiteoutsBecomeTheOverlaysOwn() throws {
        let fixture = try StoreFixture()
        var tar = TarBuilder()
        tar.file("etc/.wh.gone")
        tar.file("var/lib/.wh..wh..opq")
        tar.file("var/lib/new", "n")
        tar.file(".wh.remade")
        tar.directory("remade/")
        tar.directory("kept/")
        tar.file(".wh.kept")
        tar.file(".wh..wh.plnk/x")
        let diffID = try load(fixture, tar)
        let gone = try status(fixture.path(diffID, "etc/gone"))
        #expect(gone.st_mode & S_IFMT == S_IFCHR && gone.st_rdev == 0)
        #expect(isOpaqueDirectory(fixture.path(diffID, "var/lib")))
        #expect(isOpaqueDirectory(fixture.path(diffID, "remade")))
        #expect(isOpaqueDirectory(fixture.path(diffID, "kept")))
        #expect(!fileExists(fixture.path(diffID, "var/lib/.wh..wh..opq")))
    }

    @Test func longAndStrangeNamesAreKept() throws {
        let fixture = try StoreFixture()
        let long = (0..<15).map { "\($0)" + String(repeating: "d", count: 200) }.joined(separator: "/")
        let deep = (0..<30).map { "\($0)" + String(repeating: "e", count: 250) }.joined(separator: "/")
        var tar = TarBuilder()
        tar.add([UInt8(ascii: "x")], type: "0", content: [65], .init(extended: [("path", Array(long.utf8))]))
        tar.add([UInt8(ascii: "x")], type: "0", content: [66], .init(extended: [("path", Array(deep.utf8))]))
        tar.add([0xFF, 0xFE, 0x2F, 0x80], type: "0", content: [67])
        var gnu = TarBuilder()
        gnu.header(
            Array("././@LongLink".utf8), "L", [], .init(magic: "ustar  \u{0}"),
            size: TarBuilder.octal(151, 12))
        gnu.data([UInt8](repeating: UInt8(ascii: "g"), count: 150) + [0])
        gnu.add([UInt8(ascii: "g")], type: "0", content: [68], .init(magic: "ustar  \u{0}"))
        tar.append(gnu)
        let diffID = try load(fixture, tar)
        #expect(try text(fixture.path(diffID, long)) == "A")
        #expect(try text(fixture.path(diffID, String(repeating: "g", count: 150))) == "D")
        var names: [String] = []
        try walkTree(fixture.path(diffID)) { path, _ in if path.hasPrefix("0e") { names.append(path) } }
        #expect(names.count >= 15)
    }

    @Test func entriesReplaceOthersOfAnotherKind() throws {
        let fixture = try StoreFixture()
        var tar = TarBuilder()
        tar.file("a", "first")
        tar.file("a", "second")
        tar.directory("b/")
        tar.file("b/inside", "lost")
        tar.file("b", "now a file")
        tar.file("c", "was a file")
        tar.directory("c/")
        tar.file("c/inside", "in")
        tar.symlink("e", "c")
        tar.directory("e/")
        tar.file("e/own", "own")
        tar.add(Array("f".utf8), type: "3", .init(device: (1, 3)))
        tar.file("f", "no device")
        tar.hardlink("g", "a")
        tar.file("g", "third")
        let diffID = try load(fixture, tar)
        #expect(try text(fixture.path(diffID, "a")) == "second")
        #expect(try text(fixture.path(diffID, "b")) == "now a file")
        #expect(try text(fixture.path(diffID, "c/inside")) == "in")
        #expect(try text(fixture.path(diffID, "e/own")) == "own")
        #expect(!fileExists(fixture.path(diffID, "c/own")))
        #expect(try text(fixture.path(diffID, "f")) == "no device")
        #expect(try text(fixture.path(diffID, "g")) == "third")
        // What was replaced is still part of the layer's archive.
        let sink = MemorySink()
        try fixture.store.save(["example"], to: sink)
        #expect(sink.bytes.firstRange(of: tar.finished()) != nil)
    }

    @Test func sparseFilesStaySparse() throws {
        let fixture = try StoreFixture()
        var tar = TarBuilder()
        let map = Array("2\n1048576\n3\n4194304\n2\n".utf8)
        let content = map + [UInt8](repeating: 0, count: 512 - map.count) + Array("abcde".utf8)
        tar.add(
            Array("GNUSparseFile.1/big".utf8), type: "0", content: content,
            .init(extended: [
                ("GNU.sparse.major", Array("1".utf8)), ("GNU.sparse.minor", Array("0".utf8)),
                ("GNU.sparse.name", Array("big".utf8)), ("GNU.sparse.realsize", Array("8388608".utf8)),
            ]))
        tar.add(
            Array("old".utf8), type: "0", content: Array("xyz".utf8),
            .init(extended: [
                ("GNU.sparse.map", Array("10,3".utf8)), ("GNU.sparse.size", Array("20".utf8)),
                ("GNU.sparse.numblocks", Array("1".utf8)),
            ]))
        let diffID = try load(fixture, tar)
        let big = try status(fixture.path(diffID, "big"))
        #expect(big.st_size == 8_388_608)
        #expect(big.st_blocks < 100)
        let bytes = try readFile(fixture.path(diffID, "big"))
        #expect(bytes[1_048_576..<1_048_579].elementsEqual("abc".utf8))
        #expect(bytes[4_194_304..<4_194_306].elementsEqual("de".utf8))
        #expect(try readFile(fixture.path(diffID, "old")).count == 20)
        let sink = MemorySink()
        try fixture.store.save(["example"], to: sink)
        #expect(sink.bytes.firstRange(of: tar.finished()) != nil)
    }

    @Test func fileBelowALinkOfTheLayerLandsWhereItLeads() throws {
        let fixture = try StoreFixture()
        var tar = TarBuilder()
        tar.directory("usr/lib/")
        tar.symlink("lib", "usr/lib")
        tar.file("lib/libc.so", "c")
        tar.symlink("abs", "/usr")
        tar.file("abs/lib/libm.so", "m")
        let diffID = try load(fixture, tar)
        #expect(try text(fixture.path(diffID, "usr/lib/libc.so")) == "c")
        #expect(try text(fixture.path(diffID, "usr/lib/libm.so")) == "m")
        let sink = MemorySink()
        try fixture.store.save(["example"], to: sink)
        #expect(sink.bytes.firstRange(of: tar.finished()) != nil)
    }
}
