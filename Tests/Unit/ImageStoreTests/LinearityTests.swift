import Glibc
@testable import ImageStore
import LinuxKernel
import OCIModel
import Testing

/// The work for a layer grows with its entries and no faster, whatever they are: counted, not timed.
@Suite struct LinearityTests {
    private let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    /// Unpacks a layer and makes its archive again.
    /// - Returns: how often the kernel was asked for a directory, and how many displacements were compared
    private func work(_ tar: TarBuilder) throws -> (opens: Int, comparisons: Int) {
        let folder = "\(fixture.root)/work\(UInt64.random(in: 0...UInt64.max))"
        let (content, displaced) = ("\(folder)/diff", "\(folder)/displaced")
        try makeDirectories(content)
        try makeDirectories(displaced)
        let bytes = tar.finished()
        let flags = O_RDONLY | O_DIRECTORY
        let recipe = try LayerRecipeWriter("\(folder)/\(LayerRecipe.fileName)")
        let tree = LayerTree(
            root: try openFile(content, flags), displaced: SharedDescriptor(try openFile(displaced, flags)))
        let reader = TarReader(ReadingSpanSource(MemorySource(bytes)), recipe: recipe)
        try LayerUnpacker(reader: reader, tree: tree, recipe: recipe).run()
        let again = try LayerRecipeReader(folder: folder)
        var copy: [UInt8] = []
        try again.write { copy.append(contentsOf: $0) }
        #expect(copy == bytes)
        try removeTree(folder)
        return (tree.openCount, again.displacements.comparisons)
    }

    private func deepName(_ depth: Int, _ end: String) -> (String, [UInt8]) {
        ("path", Array((String(repeating: "d/", count: depth) + end).utf8))
    }

    private static let shapes = ["flat", "spread", "directories", "replaced", "turning", "far down"]

    private func layer(_ shape: String, _ count: Int) -> TarBuilder {
        var tar = TarBuilder()
        for number in 0..<count {
            switch shape {
            case "flat": tar.file("f\(number)", "x")
            case "spread": tar.file("d\(number % 100)/e/f\(number)", "x")
            case "directories": tar.directory("d\(number % 100)/e\(number)/")
            case "replaced": tar.file("d/file", "\(number)")
            case "turning":
                if number % 2 == 0 { tar.directory("a/b/turn/") } else { tar.symlink("a/b/turn", "..") }
            default:
                tar.add([120], type: "0", content: [1], .init(extended: [deepName(400, "n\(number)/f")]))
            }
        }
        return tar
    }

    @Test(arguments: shapes) func aLayerOfTwiceTheEntriesIsTwiceTheWork(shape: String) throws {
        let once = try work(layer(shape, 400))
        let twice = try work(layer(shape, 800))
        // The directories that are there first, and the cache of those used last, make less than this difference.
        #expect(twice.opens <= 2 * once.opens + 200, "\(once) \(twice)")
        #expect(twice.opens <= 6 * 800 + 500, "\(twice)")
        // A search by halves: one more for each.
        #expect(twice.comparisons <= 2 * once.comparisons + 2 * 800, "\(once) \(twice)")
    }

    @Test func filesThatMovedAwayAreFoundUnderTheirFolders() {
        var index = DisplacementIndex()
        func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
        index.add(bytes("a/b/c"), as: 1, at: 10)
        index.add(bytes("a"), as: 2, at: 20)
        index.add(bytes("a/b"), as: 3, at: 30)
        index.add(bytes("a"), as: 4, at: 40)
        func found(_ path: String, _ position: Int) -> [Int]? {
            index.first(of: bytes(path), after: position).map { [$0.number, $0.length] }
        }
        #expect(found("a/b/c", 5) == [1, 5])
        #expect(found("a/b/c/d", 5) == [1, 5])
        #expect(found("a/b/c", 10) == [2, 1])
        #expect(found("a/b/x", 5) == [2, 1])
        #expect(found("a/bb", 25) == [4, 1])
        #expect(found("a/b/c", 25) == [3, 3])
        #expect(found("a/b", 40) == nil)
        #expect(found("ab", 0) == nil)
    }

    @Test func headersOfVeryManyAttributesAreReadOnce() throws {
        var extended = (0..<20_000).map { ("SCHILY.xattr.user.skiff\($0)", [UInt8](arrayLiteral: 1)) }
        extended.append(("SCHILY.xattr.user.skiff7", [2]))
        var records: [UInt8] = []
        for (key, value) in extended { records += TarBuilder.record(key, value) }
        var header = TarExtendedHeader()
        try header.apply(records: records)
        var entry = TarEntry()
        try header.apply(to: &entry)
        #expect(entry.extendedAttributes.count == 20_000)
        #expect(entry.extendedAttributes[7].value == [2])
    }

    @Test func headersOfOneMemberHaveALimitTogether() throws {
        var header = TarExtendedHeader()
        let records = TarBuilder.record("comment", [UInt8](repeating: 120, count: 1_000_000))
        for _ in 0..<4 { try header.apply(records: records) }
        expectImageError(.corruptedArchive) { try header.apply(records: records) }
    }

    /// Claims of sparse files are numbers that somebody adds up.
    @Test func sparseFilesOfMoreThanAnyDiskAreRefused() throws {
        let before = try fixture.files()
        for size in ["9223372036854775807", "70368744177665"] {
            var tar = TarBuilder()
            tar.add(
                Array("huge".utf8), type: "0", content: [1],
                .init(extended: [
                    ("GNU.sparse.map", Array("0,1".utf8)), ("GNU.sparse.size", Array(size.utf8)),
                ]))
            expectImageError(.invalidLayer) {
                try fixture.load(ArchiveBuilder(layers: [.init(tar.finished())]).layout())
            }
        }
        #expect(try fixture.files() == before)
    }
}
