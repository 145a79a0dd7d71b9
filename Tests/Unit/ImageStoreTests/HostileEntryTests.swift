import CLinux
import Glibc
@testable import ImageStore
import LinuxKernel
import OCIModel
import Testing

/// Entries that are allowed but meant to reach what is not theirs, and archives made to be endless.
@Suite struct HostileEntryTests {
    private let fixture: StoreFixture
    private let outside: String

    init() throws {
        fixture = try StoreFixture()
        outside = fixture.root + "/outside"
        try makeDirectories(outside)
        try replaceFile(outside + "/victim", Array("untouched".utf8))
    }

    /// Loads the layer, saves it again byte for byte, and nothing outside has changed.
    private func load(_ tar: TarBuilder) throws -> Digest {
        let layer = ArchiveBuilder.Layer(tar.finished())
        try fixture.load(ArchiveBuilder(layers: [layer]).layout())
        #expect(try namesInFolder(outside) == ["victim"])
        #expect(try text(outside + "/victim") == "untouched")
        let sink = MemorySink()
        try fixture.store.save(["example"], to: sink)
        #expect(sink.bytes.firstRange(of: layer.plain) != nil)
        return layer.diffID
    }

    @Test func hardLinkToASymbolicLinkIsTheLinkItself() throws {
        var tar = TarBuilder()
        tar.symlink("pointer", outside + "/victim")
        tar.hardlink("second", "pointer")
        tar.hardlink("third", "second")
        tar.file("second", "over the link")
        let diffID = try load(tar)
        #expect(try status(fixture.path(diffID, "third")).st_mode & S_IFMT == S_IFLNK)
        #expect(try text(fixture.path(diffID, "second")) == "over the link")
    }

    @Test func metadataOfALinkIsNotThatOfItsTarget() throws {
        let before = try status(outside + "/victim")
        var tar = TarBuilder()
        tar.add(
            Array("pointer".utf8), type: "2", link: Array((outside + "/victim").utf8),
            .init(mode: 0o4777, uid: 65534, gid: 65534, time: 1))
        tar.hardlink("second", "pointer")
        _ = try load(tar)
        let after = try status(outside + "/victim")
        #expect(
            (after.st_mode, after.st_uid, after.st_mtim.tv_sec) == (
                before.st_mode, before.st_uid, before.st_mtim.tv_sec
            ))
    }

    /// The last entry of a folder gives it its mode and time, after all others: not to what a link there points to.
    @Test func folderThatBecomesALinkLaterKeepsItsTargetAsItWas() throws {
        let before = try status(outside)
        var tar = TarBuilder()
        tar.add(Array("folder/".utf8), type: "5", .init(mode: 0o777, uid: 3, gid: 3, time: 1))
        tar.file("folder/inside", "x")
        tar.symlink("folder", outside)
        let diffID = try load(tar)
        let after = try status(outside)
        #expect(
            (after.st_mode, after.st_uid, after.st_mtim.tv_sec) == (
                before.st_mode, before.st_uid, before.st_mtim.tv_sec
            ))
        #expect(try status(fixture.path(diffID, "folder")).st_mode & S_IFMT == S_IFLNK)
    }

    @Test func whiteoutsReachOnlyTheirOwnLayer() throws {
        var tar = TarBuilder()
        tar.symlink("way", outside)
        tar.directory(outside)
        tar.file("way/.wh.victim")
        tar.file("way/.wh..wh..opq")
        tar.file(".wh..wh..opq")
        let diffID = try load(tar)
        let hidden = try status(fixture.path(diffID, outside + "/victim"))
        #expect(hidden.st_mode & S_IFMT == S_IFCHR && hidden.st_rdev == 0)
    }

    /// A device is replaced by what comes after it, never written to.
    @Test func devicesAreNotWrittenThrough() throws {
        var tar = TarBuilder()
        tar.add(Array("memory".utf8), type: "3", .init(mode: 0o666, device: (1, 1)))
        tar.hardlink("second", "memory")
        tar.file("memory", "plain")
        tar.add(Array("pipe".utf8), type: "6", .init(mode: 0o600))
        tar.file("pipe", "no reader is waited for")
        let diffID = try load(tar)
        #expect(try text(fixture.path(diffID, "memory")) == "plain")
        #expect(try status(fixture.path(diffID, "second")).st_rdev == dev_t(skiff_make_device(1, 1)))
        #expect(try text(fixture.path(diffID, "pipe")) == "no reader is waited for")
    }

    @Test func theSameEntryManyTimesIsTheLast() throws {
        var tar = TarBuilder()
        for number in 0..<300 { tar.file("dir/file", "\(number)", uid: number) }
        for _ in 0..<50 {
            tar.symlink("turn", "dir")
            tar.directory("turn/")
            tar.hardlink("turn", "dir/file")
        }
        let diffID = try load(tar)
        #expect(try text(fixture.path(diffID, "dir/file")) == "299")
        #expect(
            try status(fixture.path(diffID, "turn")).st_ino == status(fixture.path(diffID, "dir/file")).st_ino
        )
    }

    @Test func linksToThemselvesAreRefusedAndLeaveNothing() throws {
        let before = try fixture.files()
        for (name, target) in [("a", "a"), ("d/../a", "a"), ("a", "./a")] {
            var tar = TarBuilder()
            tar.hardlink(name, target)
            expectImageError(.invalidLayer) {
                try fixture.load(ArchiveBuilder(layers: [.init(tar.finished())]).layout())
            }
        }
        #expect(try fixture.files() == before)
    }

    /// Names and extended headers that follow each other and never a member: memory stays small, and it is refused.
    @Test func headersWithoutEndAreRefused() throws {
        let before = try fixture.files()
        for kind in ["L", "K", "x", "g"] as [Character] {
            var tar = TarBuilder()
            let name = [UInt8](repeating: UInt8(ascii: "n"), count: 60_000)
            let content = "xg".contains(kind) ? TarBuilder.record("path", name) : name
            for _ in 0..<60 {
                tar.header(
                    Array("././@LongLink".utf8), kind, [], .init(magic: "ustar  \u{0}"),
                    size: TarBuilder.octal(content.count, 12))
                tar.data(content)
            }
            tar.file("member", "x")
            guard kind != "g" else { continue }
            let refused = ArchiveBuilder(layers: [.init(tar.finished())]).layout()
            if kind == "K" {
                // A link's name that no link takes.
                try fixture.load(refused)
                _ = try fixture.store.remove("example", force: true, pruneParents: true) { _ in [] }
            } else {
                expectImageError(.invalidLayer) { try fixture.load(refused) }
            }
        }
        #expect(try fixture.files() == before)
    }

    @Test func veryManyEntriesAreUnpackedAndRemoved() throws {
        let before = try fixture.files()
        var tar = TarBuilder()
        for number in 0..<5_000 { tar.file("d\(number % 100)/f\(number)") }
        let diffID = try load(tar)
        #expect(try namesInFolder(fixture.path(diffID, "d7")).count == 50)
        _ = try fixture.store.remove("example", force: true, pruneParents: true) { _ in [] }
        #expect(try fixture.files() == before)
    }

    @Test func sparseFilesMayBeHugeWithoutTakingTheDisk() throws {
        var tar = TarBuilder()
        tar.add(
            Array("huge".utf8), type: "0", content: [1],
            .init(extended: [
                ("GNU.sparse.map", Array("1099511627775,1".utf8)),
                ("GNU.sparse.size", Array("1099511627776".utf8)),
            ]))
        let layer = ArchiveBuilder.Layer(tar.finished())
        try fixture.load(ArchiveBuilder(layers: [layer]).layout())
        let huge = try status(fixture.path(layer.diffID, "huge"))
        #expect(huge.st_size == 1 << 40 && huge.st_blocks < 100)
    }
}
