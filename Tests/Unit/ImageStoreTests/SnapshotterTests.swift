import Glibc
import LinuxKernel
import OCIModel
import Testing

@testable import ImageStore

/// What every way of making a container's root file system has to do, run against all of them.
@Suite(.enabled(if: getuid() == 0, "mounting layers needs root")) struct SnapshotterTests {
    /// A container of a store, with its root file system open.
    private struct Opened {
        let fixture: StoreFixture
        let layer: ContainerLayer
        let root: SharedDescriptor

        var path: String { "/proc/self/fd/\(root.rawValue)" }

        init(_ driver: StorageDriver, _ archive: ArchiveBuilder) throws {
            fixture = try StoreFixture(driver: driver)
            try fixture.load(archive.layout())
            layer = try fixture.store.createContainerLayer(id: "c", image: archive.id)
            root = try Self.open(fixture.store.paths(of: layer))
        }

        private static func open(_ paths: ContainerLayerPaths) throws -> SharedDescriptor {
            if paths.lower.isEmpty {
                return SharedDescriptor(try openFile(paths.upper, O_RDONLY | O_DIRECTORY))
            }
            let context = try FilesystemContext(type: "overlay")
            for folder in paths.lower { try context.set("lowerdir+", folder) }
            try context.set("upperdir", paths.upper)
            try context.set("workdir", paths.work)
            try context.set("redirect_dir", "off")
            try context.set("metacopy", "off")
            let mount = try context.mounted()
            return SharedDescriptor(try openFile(".", O_RDONLY | O_DIRECTORY, at: mount.rawValue))
        }

        /// Runs in the container's root; what it prints.
        func run(_ script: String) throws -> String {
            let result = try ChildOutput.run([
                "sh", "-ec", "cd \(path.replacing("self", with: "\(getpid())")); \(script)",
            ])
            try #require(result.status == 0, "\(script): \(result.text)")
            return result.text
        }

        /// The overlay's lists of names have whiteouts of what no layer below has; nobody can look at them.
        func listing() throws -> String {
            try run(
                """
                find . ! -path ./.dockerenv ! -path './dev*' ! -path './etc/host*' ! -path './etc/resolv.conf' \
                ! -path './etc/mtab' ! -path ./proc ! -path ./sys \
                ! -type d -printf '%p %y %m %U %G %s %n %l %T@\\n' 2>/dev/null | LC_ALL=C sort
                find . -type d -printf '%p %m %U %G\\n' 2>/dev/null | LC_ALL=C sort
                find . -type f ! -path './etc/*' 2>/dev/null | LC_ALL=C sort | xargs cat
                """)
        }
    }

    private func archive(_ layers: (inout TarBuilder) -> Void...) -> ArchiveBuilder {
        ArchiveBuilder(
            layers: layers.map { fill in
                var tar = TarBuilder()
                fill(&tar)
                return ArchiveBuilder.Layer(tar.finished())
            })
    }

    @Test(arguments: StorageDriver.allCases)
    func aRootShowsItsLayersAsOne(driver: StorageDriver) throws {
        let opened = try Opened(
            driver,
            archive(
                {
                    $0.add(Array("./".utf8), type: "5", .init(mode: 0o711, uid: 3, gid: 4))
                    for name in [
                        "kept/a", "kept/b", "gone/x", "hidden/old", "becomes-file/x", "becomes-folder",
                    ] {
                        $0.file(name, name)
                    }
                    $0.symlink("link", "kept")
                    $0.file("first", "12", mode: 0o4755, uid: 5, gid: 6)
                    $0.hardlink("second", "first")
                },
                {
                    $0.file(".wh.gone")
                    $0.directory("hidden")
                    $0.file("hidden/.wh..wh..opq")
                    $0.file("hidden/new", "new")
                    $0.file("kept/.wh.a")
                    $0.file("becomes-file", "file")
                    $0.file("becomes-folder/x", "x")
                    $0.directory("link")
                    $0.file("link/inside", "inside")
                }))
        let files = try opened.run(
            "find * -type f ! -path 'etc/*' ! -path 'dev/*' | LC_ALL=C sort | tr '\\n' ' '")
        #expect(
            files == "becomes-file becomes-folder/x first hidden/new kept/b link/inside second ")
        #expect(try opened.run("stat -c '%a %u %g' . first; stat -c %h first") == "711 3 4\n4755 5 6\n2\n")
        #expect(try opened.run("test second -ef first && cat kept/b hidden/new second") == "kept/bnew12")
        #expect(try opened.run("ls -d dev/pts etc/hosts proc sys | wc -l") == "4\n")
    }

    @Test(arguments: StorageDriver.allCases)
    func whatAContainerChangesIsToldAndCounted(driver: StorageDriver) throws {
        let opened = try Opened(
            driver,
            archive({
                for name in ["etc/a", "etc/b", "etc/c", "gone/x", "moved/x", "same/x"] { $0.file(name, name) }
            }))
        #expect(try opened.fixture.store.changes(of: opened.layer).isEmpty)
        #expect(try opened.fixture.store.size(of: opened.layer) == 0)
        _ = try opened.run(
            """
            echo changed >etc/a; chmod 600 etc/b; echo new >etc/new; rm etc/c; rm -r gone; mkdir -p new/folder
            ln etc/new new/link; ln -s x new/symbolic; mknod new/device c 1 3; cp -a moved other; rm -r moved
            """)
        let changes = try opened.fixture.store.changes(of: opened.layer).map { "\($0.kind) \($0.path)" }
        #expect(
            changes == [
                "modified /etc", "modified /etc/a", "modified /etc/b", "deleted /etc/c", "added /etc/new",
                "deleted /gone", "deleted /moved", "added /new", "added /new/device", "added /new/folder",
                "added /new/link", "added /new/symbolic", "added /other", "added /other/x",
            ])
        // etc/b: an overlay copies the whole file for its mode; so does a copy of it count.
        #expect(try opened.fixture.store.size(of: opened.layer) == 8 + 5 + 4 + 7)
    }

    @Test(arguments: StorageDriver.allCases)
    func aContainerThatAPowerCutTookIsMadeAgain(driver: StorageDriver) throws {
        let opened = try Opened(driver, archive({ $0.file("file", "content") }))
        let folder = opened.fixture.store.paths.container("c")
        try removeTree(folder)
        try makeDirectories(folder + "/diff.new/half")
        try opened.fixture.reopen(adopting: [opened.layer])
        let paths = opened.fixture.store.paths(of: opened.layer)
        #expect(paths.driver == driver && fileExists(paths.upper))
        #expect(!fileExists(folder + "/diff.new"))
        #expect(fileExists((paths.lower.first ?? paths.upper) + "/file"))
        try opened.fixture.store.removeContainerLayer(opened.layer)
        opened.fixture.store.waitForDeletions()
        #expect(!fileExists(folder))
    }

    @Test(arguments: StorageDriver.allCases)
    func aContainerKeepsItsDriverWhenTheStoreGetsAnother(driver: StorageDriver) throws {
        let opened = try Opened(driver, archive({ $0.file("file", "content") }))
        let other = try StoreFixture(driver: driver == .vfs ? .overlay2 : .vfs)
        #expect(other.store.driver != driver)
        #expect(opened.layer.driver ?? .overlay2 == driver)
        let snapshotter = other.store.snapshotter(of: opened.layer)
        #expect(snapshotter.driver == driver)
    }

    /// Layers of random content: the kernel's overlay says what their copy must look like.
    @Test func copiesLookAsTheOverlayOfRandomLayers() throws {
        for seed in 0..<12 as Range<UInt64> {
            var random = SeededGenerator(state: seed)
            let archive = ArchiveBuilder(
                layers: (0..<Int.random(in: 2...5, using: &random)).map { number in
                    ArchiveBuilder.Layer(Self.layer(number, using: &random))
                })
            let overlay = try Opened(.overlay2, archive)
            let copy = try Opened(.vfs, archive)
            let (wanted, found) = (
                try overlay.listing().split(separator: "\n"), try copy.listing().split(separator: "\n")
            )
            #expect(found.filter { !wanted.contains($0) } == [], "seed \(seed)")
            #expect(wanted.filter { !found.contains($0) } == [], "seed \(seed)")
        }
    }

    private static func layer(_ number: Int, using random: inout SeededGenerator) -> [UInt8] {
        var tar = TarBuilder()
        // Each layer differs, whatever else it has.
        tar.file("number-\(number)", "\(number)")
        for index in 0..<Int.random(in: 1...12, using: &random) {
            let depth = Int.random(in: 1...3, using: &random)
            let folder = (1..<depth).map { _ in ["a/", "b/", "c/"].randomElement(using: &random) ?? "" }
                .joined()
            let name = ["a", "b", "c", "d"].randomElement(using: &random) ?? "a"
            switch Int.random(in: 0..<8, using: &random) {
            case 0: tar.file("\(folder).wh.d")
            case 1: tar.file("\(folder).wh.f-\(name)")
            case 2: tar.file("\(folder)\(name == "d" ? "a" : name)/.wh..wh..opq")
            case 3: tar.directory(folder + name, mode: [0o755, 0o700].randomElement(using: &random) ?? 0o755)
            case 4: tar.symlink(folder + "s-" + name, "nowhere")
            default: tar.file(folder + "f-" + name, "\(number).\(index) ", uid: number)
            }
        }
        return tar.finished()
    }

    @Test func whatTheFileSystemCannotMarkIsNotedDown() throws {
        let archive = archive(
            {
                for name in ["a/x", "a/y", "b/z", "c/d/e"] { $0.file(name, name) }
            },
            { $0.file("new") })
        let fixture = try StoreFixture(driver: .vfs)
        try fixture.load(archive.layout())
        var hidden = HiddenPaths()
        for path in ["a/x", "b", "c/d", "missing/x", "new/below"] { try hidden.add(Array(path.utf8)) }
        let folder = fixture.store.paths.layer(archive.layers[1].diffID)
        try hidden.write(in: folder)
        #expect(try HiddenPaths(in: folder).paths == hidden.paths)
        let layer = try fixture.store.createContainerLayer(id: "c", image: archive.id)
        let root = fixture.store.paths(of: layer).upper
        #expect(fileExists(root + "/a/y") && fileExists(root + "/c") && fileExists(root + "/new"))
        for path in ["/a/x", "/b", "/c/d"] { #expect(!fileExists(root + path), "\(path)") }
        #expect(try fixture.store.changes(of: layer).isEmpty)
    }

    @Test func anImageOfFiveHundredLayersIsTakenAndOneMoreIsNot() throws {
        func image(_ count: Int) -> ArchiveBuilder {
            ArchiveBuilder(
                layers: (0..<count).map { number in
                    var tar = TarBuilder()
                    tar.file("file-\(number)", "\(number)")
                    return ArchiveBuilder.Layer(tar.finished())
                })
        }
        let opened = try Opened(.overlay2, image(500))
        #expect(try opened.run("ls -d file-* | wc -l; cat file-0 file-499") == "500\n0499")
        #expect(opened.layer.mountPoints == nil)
        let fixture = try StoreFixture()
        let before = try fixture.files()
        let error = #expect(throws: ImageError.self) { try fixture.load(image(501).layout()) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix("max depth exceeded: the image has 501 layers") == true)
        #expect(try fixture.files() == before)
    }
}

/// SplitMix64: the same numbers for the same seed.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
