import CLinux
import Glibc
@testable import ImageStore
import LinuxKernel
import Testing

/// Trees to archives and back.
@Suite final class TreeArchiveTests {
    let root = "/tmp/skiff-trees-\(UInt64.random(in: 0...UInt64.max))"
    private var source: String { root + "/source" }
    private var target: String { root + "/target" }

    init() throws {
        try makeDirectories(source)
        try makeDirectories(target)
    }

    deinit { try? LinuxKernel.removeTree(root) }

    private func open(_ path: String) throws -> Descriptor { try openFile(path, O_RDONLY | O_DIRECTORY) }

    private func shared(_ path: String, _ flags: Int32) throws -> SharedDescriptor {
        SharedDescriptor(try openFile(path, flags))
    }

    private func archive(
        _ options: TreeArchiveWriter.Options = .init(), as name: String = ""
    ) throws -> [UInt8] {
        let sink = MemorySink()
        let writer = TreeArchiveWriter(to: sink, options)
        let directory = try open(source)
        try writer.addDirectory(directory.rawValue, as: Array(name.utf8))
        try writer.finish()
        return sink.bytes
    }

    private func extract(_ bytes: [UInt8], _ extraction: TreeExtraction = .init()) throws {
        _ = try extraction.run(MemorySource(bytes), into: try open(target))
    }

    private func write(_ path: String, _ content: [UInt8] = []) throws {
        let file = try openFile(path, O_WRONLY | O_CREAT | O_TRUNC)
        try writeAll(file.rawValue, content)
    }

    private func names(_ bytes: [UInt8]) throws -> [String] {
        let reader = TarReader(ReadingSpanSource(MemorySource(bytes)))
        var names: [String] = []
        while try reader.next() { names.append(reader.entry.displayName) }
        return names
    }

    @Test func everyKindOfFileSurvivesTheWayThroughAnArchive() throws {
        try makeDirectories(source + "/dir/sub")
        try write(source + "/dir/plain", Array("content".utf8))
        #expect(chmod(source + "/dir/plain", 0o4751) == 0)
        #expect(link(source + "/dir/plain", source + "/same") == 0)
        #expect(symlink("/etc/passwd", source + "/link") == 0)
        #expect(mkfifo(source + "/pipe", 0o600) == 0)
        #expect(chmod(source + "/dir/sub", 0o1777) == 0)
        let name = [UInt8](repeating: UInt8(ascii: "n"), count: 250)
        let odd: [CChar] = [0x66, -1, -2, 0x66, 0]
        #expect(mkdir(source + "/" + String(decoding: name, as: UTF8.self), 0o700) == 0)
        let directory = try shared(source, O_RDONLY | O_DIRECTORY)
        #expect(mknodat(directory.rawValue, odd, S_IFREG | 0o644, 0) == 0)
        let times = [timespec(tv_sec: 5, tv_nsec: 7), timespec(tv_sec: -3, tv_nsec: 250_000_000)]
        #expect(utimensat(AT_FDCWD, source + "/dir/plain", times, 0) == 0)
        #expect(utimensat(AT_FDCWD, source + "/dir", times, 0) == 0)
        #expect(skiff_set_attribute_at(source + "/dir/plain", "user.note", "text", 4) == 0)
        var options = TreeArchiveWriter.Options()
        options.keepsNanoseconds = true
        var extraction = TreeExtraction()
        extraction.setsRoot = true
        #expect(chmod(source, 0o750) == 0)
        try extract(try archive(options), extraction)
        let plain = try status(target + "/dir/plain")
        #expect(try text(target + "/dir/plain") == "content")
        #expect(plain.st_mode == S_IFREG | 0o4751)
        #expect((plain.st_mtim.tv_sec, plain.st_mtim.tv_nsec) == (-3, 250_000_000))
        #expect(try status(target + "/dir").st_mtim.tv_sec == -3)
        #expect(try status(target + "/same").st_ino == plain.st_ino)
        #expect(try status(target + "/link").st_mode & S_IFMT == S_IFLNK)
        #expect(try status(target + "/pipe").st_mode == S_IFIFO | 0o600)
        #expect(try status(target + "/dir/sub").st_mode == S_IFDIR | 0o1777)
        #expect(try status(target).st_mode == S_IFDIR | 0o750)
        var value = [UInt8](repeating: 0, count: 8)
        #expect(skiff_get_attribute(target + "/dir/plain", "user.note", &value, 8) == 4)
        var found = stat()
        let copies = try shared(target, O_RDONLY | O_DIRECTORY)
        #expect(fstatat(copies.rawValue, odd, &found, 0) == 0)
        #expect(try status(target + "/" + String(decoding: name, as: UTF8.self)).st_mode & 0o777 == 0o700)
    }

    @Test func namesComeInOrderBelowTheNameThatWasAskedFor() throws {
        for name in ["b", "a", "c"] { try write(source + "/" + name) }
        try makeDirectories(source + "/a.d")
        try write(source + "/a.d/x")
        #expect(
            try names(try archive(as: "top")) == ["top/", "top/a", "top/a.d/", "top/a.d/x", "top/b", "top/c"])
        #expect(try names(try archive()).first == "./")
    }

    @Test func holesStayHolesAndBothKindsOfReadersSeeTheContent() throws {
        let file = try shared(source + "/sparse", O_RDWR | O_CREAT)
        #expect(ftruncate(file.rawValue, 1 << 40) == 0)
        #expect(pwrite(file.rawValue, "middle", 6, 1 << 30) == 6)
        let bytes = try archive()
        #expect(bytes.count < 1 << 16)
        try extract(bytes)
        let copy = try shared(target + "/sparse", O_RDONLY)
        #expect(try status(target + "/sparse").st_size == 1 << 40)
        var read = [UInt8](repeating: 0, count: 6)
        #expect(pread(copy.rawValue, &read, 6, 1 << 30) == 6)
        #expect(read == Array("middle".utf8))
        #expect(try status(target + "/sparse").st_blocks < 64)
    }

    @Test func layersOfAnOverlayBecomeWhiteouts() throws {
        #expect(mknod(source + "/gone", S_IFCHR, 0) == 0)
        try makeDirectories(source + "/new/in")
        try #require(skiff_set_attribute_at(source + "/new", "trusted.overlay.opaque", "y", 1) == 0)
        var options = TreeArchiveWriter.Options()
        options.isOverlayUpper = true
        #expect(try names(try archive(options)) == ["./", ".wh.gone", "new/", "new/.wh..wh..opq", "new/in/"])
        // As files of a tree they are what they are, and no name means anything.
        try extract(try archive(options))
        #expect(try status(target + "/.wh.gone").st_mode & S_IFMT == S_IFREG)
    }

    @Test func treesMayBeDeeperThanAProcessMayHaveFilesOpen() throws {
        var directory = try shared(source, O_RDONLY | O_DIRECTORY)
        for _ in 0..<1500 {
            #expect(mkdirat(directory.rawValue, "deep", 0o755) == 0)
            #expect(mkdirat(directory.rawValue, "z", 0o755) == 0)
            directory = SharedDescriptor(
                try openFile("deep", O_RDONLY | O_DIRECTORY, at: directory.rawValue))
        }
        let bytes = try archive()
        let found = try names(bytes)
        #expect(found.count == 3001)
        #expect(found.filter { $0.hasSuffix("/z/") || $0 == "z/" }.count == 1500)
        try extract(bytes)
    }

    @Test func directoriesOfVeryManyFilesAreReadInParts() throws {
        for index in 0..<9000 { #expect(mknod("\(source)/f\(index)", S_IFREG | 0o644, 0) == 0) }
        #expect(Set(try names(try archive())).count == 9001)
    }

    @Test func entriesBelowABaseFollowLinksOfTheRoot() throws {
        try makeDirectories(target + "/base")
        try makeDirectories(target + "/etc")
        #expect(symlink("/etc", target + "/base/link") == 0)
        #expect(symlink("/../../..", target + "/base/up") == 0)
        var tar = TarBuilder()
        tar.file("link/file", "x")
        tar.file("up/top", "y")
        var extraction = TreeExtraction()
        extraction.base = Array("base".utf8)
        try extract(tar.finished(), extraction)
        #expect(try text(target + "/etc/file") == "x")
        #expect(try text(target + "/top") == "y")
        var outside = TarBuilder()
        outside.file("../evil", "z")
        expectImageError(.invalidLayer) { try extract(outside.finished(), extraction) }
    }

    @Test func linksInTheWayAreReplacedAndNeverWrittenThrough() throws {
        let outside = root + "/outside"
        try write(outside, Array("mine".utf8))
        #expect(symlink(outside, target + "/file") == 0)
        #expect(symlink(root, target + "/node") == 0)
        var tar = TarBuilder()
        tar.file("file", "theirs", mode: 0o666)
        tar.add(Array("node".utf8), type: "6", .init(mode: 0o4777))
        try extract(tar.finished())
        #expect(try text(outside) == "mine")
        #expect(try text(target + "/file") == "theirs")
        #expect(try status(root).st_mode & 0o7000 == 0)
    }

    @Test func anotherKindIsRefusedWhereAskedFor() throws {
        try makeDirectories(target + "/name/full")
        try write(target + "/plain")
        var extraction = TreeExtraction()
        extraction.forbidsOtherKinds = true
        var file = TarBuilder()
        file.file("name", "x")
        expectImageError(.invalidArgument) { try extract(file.finished(), extraction) }
        var directory = TarBuilder()
        directory.directory("plain")
        expectImageError(.invalidArgument) { try extract(directory.finished(), extraction) }
        try extract(file.finished())
        #expect(try text(target + "/name") == "x")
    }

    @Test func everythingMayGoToOneOwner() throws {
        var tar = TarBuilder()
        tar.file("a", "x", uid: 5, gid: 6)
        var extraction = TreeExtraction()
        extraction.owner = (77, 78)
        try extract(tar.finished(), extraction)
        let status = try status(target + "/a")
        #expect((status.st_uid, status.st_gid) == (77, 78))
    }

    @Test func whatIsNoArchiveIsRefused() throws {
        expectImageError(.corruptedArchive) { try extract([UInt8](repeating: 65, count: 2048)) }
        try extract([])
    }

    @Test func largeNumbersAndLongNamesAreKept() throws {
        var entry = TarEntry()
        entry.name =
            [UInt8](repeating: UInt8(ascii: "x"), count: 90) + Array("/".utf8)
            + [UInt8](repeating: UInt8(ascii: "y"), count: 120)
        entry.linkName = [UInt8](repeating: UInt8(ascii: "l"), count: 300)
        entry.kind = .symbolicLink
        (entry.uid, entry.gid) = (4_000_000_000, 3_000_000_000)
        entry.modifiedSeconds = 1 << 40
        entry.extendedAttributes = [.init(name: Array("user.a".utf8), value: Array("b=c\n".utf8))]
        let sink = MemorySink()
        let writer = TarEntryWriter(sink)
        try writer.begin(entry)
        try writer.finish()
        let reader = TarReader(ReadingSpanSource(MemorySource(sink.bytes)))
        #expect(try reader.next())
        #expect(reader.entry.name == entry.name)
        #expect(reader.entry.linkName == entry.linkName)
        #expect((reader.entry.uid, reader.entry.gid) == (entry.uid, entry.gid))
        #expect(reader.entry.modifiedSeconds == entry.modifiedSeconds)
        #expect(reader.entry.extendedAttributes == entry.extendedAttributes)
    }
}
