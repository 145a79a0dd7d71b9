import Glibc
@testable import ImageStore
import JSONCodec
import LinuxKernel
import OCIModel
import Testing

@Suite struct ImageServiceTests {
    private func archive(
        _ contents: [String], _ tags: [String], created: String = "2024-01-01T00:00:00Z",
        labels: [String: String] = [:]
    ) -> ArchiveBuilder {
        var archive = ArchiveBuilder(
            layers: contents.map { content in
                var tar = TarBuilder()
                tar.file("file-\(content)", content)
                return .init(tar.finished())
            }, tags: tags)
        archive.created = created
        archive.labels = labels
        return archive
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return (error as? ImageError)?.message ?? "\(error)"
        }
    }

    private func remove(
        _ fixture: StoreFixture, _ name: String, force: Bool = false, uses: [ImageUse] = []
    ) throws -> [ImageRemoval] {
        try fixture.store.remove(name, force: force, pruneParents: true) { _ in uses }
    }

    // MARK: - Names

    @Test func imagesAreFoundByEveryName() throws {
        let fixture = try StoreFixture()
        let image = archive(["a"], ["example:1", "host:5000/app:2"])
        try fixture.load(image.layout())
        for name in [
            "example:1", "docker.io/library/example:1", "host:5000/app:2", image.id.description, image.id.hex,
            image.id.short, String(image.id.hex.prefix(1)), "sha256:" + image.id.hex.prefix(8),
        ] { #expect(try fixture.store.image(name).id == image.id, "\(name)") }
        #expect(message { _ = try fixture.store.image("example") } == "No such image: example:latest")
        #expect(message { _ = try fixture.store.image("nothing/x:2") } == "No such image: nothing/x:2")
        #expect(
            message { _ = try fixture.store.image("Example") }
                == "invalid reference format: repository name (library/Example) must be lowercase")
    }

    @Test func ambiguousPrefixIsRefused() throws {
        let fixture = try StoreFixture()
        var seen: Set<Character> = []
        var prefix: Character?
        for index in 0... {
            let image = archive(["\(index)"], ["e:\(index)"])
            try fixture.load(image.layout())
            if !seen.insert(image.id.hex.first!).inserted {
                prefix = image.id.hex.first
                break
            }
        }
        expectImageError(.ambiguousIdentifier) { _ = try fixture.store.image(String(prefix!)) }
    }

    @Test func tagsAreAddedAndMoved() throws {
        let fixture = try StoreFixture()
        let (a, b) = (archive(["a"], ["a:1"]), archive(["b"], ["b:1"]))
        try fixture.load(a.layout())
        try fixture.load(b.layout())
        #expect(try fixture.store.tag("a:1", repository: "x", tag: nil).reference.familiar == "x:latest")
        #expect(try fixture.store.tag("b:1", repository: "x:latest", tag: "").image == b.id)
        #expect(try fixture.store.image("x").id == b.id)
        #expect(try fixture.store.image("a:1").repositoryTags == ["a:1"])
        #expect(
            message { try fixture.store.tag("a:1", repository: "X", tag: nil) }.contains("must be lowercase"))
        #expect(message { try fixture.store.tag("a:1", repository: "x", tag: "-") } == "invalid tag format")
        #expect(
            message { try fixture.store.tag("q", repository: "x", tag: nil) } == "No such image: q:latest")
    }

    // MARK: - Removal

    @Test func lastNameTakesTheImageAndItsLayers() throws {
        let fixture = try StoreFixture()
        let before = try fixture.files()
        let image = archive(["a", "b"], ["e:1", "e:2"])
        try fixture.load(image.layout())
        #expect(try remove(fixture, "e:1") == [.untagged(reference: "e:1", image: image.id)])
        let log = try remove(fixture, "e:2")
        let chain = sha256("\(image.layers[0].diffID) \(image.layers[1].diffID)".utf8)
        #expect(
            log == [
                .untagged(reference: "e:2", image: image.id), .deletedImage(image.id), .deletedLayer(chain),
                .deletedLayer(image.layers[0].diffID),
            ])
        #expect(try fixture.files() == before)
        try fixture.reopen()
        #expect(try fixture.store.list().isEmpty)
    }

    @Test func sharedLayersStay() throws {
        let fixture = try StoreFixture()
        let (one, two) = (archive(["a", "b"], ["one"]), archive(["a", "c"], ["two"]))
        try fixture.load(one.layout())
        try fixture.load(two.layout())
        let log = try remove(fixture, "one")
        #expect(log.count { if case .deletedLayer = $0 { true } else { false } } == 1)
        fixture.store.waitForDeletions()
        #expect(fileExists(fixture.path(one.layers[0].diffID)))
        #expect(!fileExists(fixture.path(one.layers[1].diffID)))
    }

    @Test func conflictsHaveDockersWords() throws {
        let fixture = try StoreFixture()
        let image = archive(["a"], ["e:1"])
        try fixture.load(image.layout())
        let id = image.id.short
        let container = String(repeating: "c", count: 64)
        let stopped = [ImageUse(containerID: container, isRunning: false)]
        let running = [ImageUse(containerID: container, isRunning: true)]
        #expect(
            message { _ = try remove(fixture, "e:1", uses: stopped) }
                == "conflict: unable to remove repository reference \"e:1\" (must force) - container cccccccccccc "
                + "is using its referenced image \(id)")
        #expect(
            message { _ = try remove(fixture, id, uses: stopped) }
                == "conflict: unable to delete \(id) (must be forced) - image is being used by stopped container "
                + "cccccccccccc")
        #expect(
            message { _ = try remove(fixture, id, force: true, uses: running) }
                == "conflict: unable to delete \(id) (cannot be forced) - image is being used by running container "
                + "cccccccccccc")
        try fixture.store.tag("e:1", repository: "other", tag: nil)
        #expect(
            message { _ = try remove(fixture, id) }
                == "conflict: unable to delete \(id) (must be forced) - image is referenced in multiple repositories"
        )
        #expect(try fixture.store.image(id).references.count == 2)
        #expect(try remove(fixture, id, force: true).count == 4)
    }

    @Test func layersOfAContainerOutliveTheImage() throws {
        let fixture = try StoreFixture()
        let image = archive(["a", "b"], ["e:1"])
        try fixture.load(image.layout())
        let layer = try fixture.store.createContainerLayer(id: "c1", image: image.id)
        let use = [ImageUse(containerID: "c1", isRunning: false)]
        #expect(try remove(fixture, "e:1", force: true, uses: use).contains(.deletedImage(image.id)))
        try fixture.reopen(adopting: [layer])
        for path in fixture.store.paths(of: layer).lower { #expect(fileExists(path)) }
        try fixture.store.removeContainerLayer(layer)
        fixture.store.waitForDeletions()
        // All but the lowest: the mount points are nobody's layer.
        for path in fixture.store.paths(of: layer).lower.dropLast() { #expect(!fileExists(path)) }
        #expect(!fileExists(fixture.store.paths(of: layer).upper))
    }

    // MARK: - Listing

    @Test func filtersSelectWhatDockerSelects() throws {
        let fixture = try StoreFixture()
        try fixture.load(
            archive(["a"], ["old:1", "host/app:1"], created: "2020-01-01T00:00:00Z", labels: ["k": "v"])
                .layout())
        try fixture.load(
            archive(["b"], ["mid:1"], created: "2021-01-01T00:00:00Z", labels: ["k": "w"]).layout())
        try fixture.load(archive(["c"], [], created: "2022-01-01T00:00:00Z").layout())
        func names(_ change: (inout ImageFilter) -> Void) throws -> [[String]] {
            var filter = ImageFilter()
            change(&filter)
            return try fixture.store.list(filter).map(\.repositoryTags)
        }
        let old = ["host/app:1", "old:1"]
        #expect(try names { _ in } == [[], ["mid:1"], old])
        #expect(try names { $0.dangling = true } == [[]])
        #expect(try names { $0.dangling = false } == [["mid:1"], old])
        #expect(try names { $0.references = ["old"] } == [["old:1"]])
        #expect(try names { $0.references = ["host/*:?"] } == [["host/app:1"]])
        #expect(try names { $0.references = ["*:1"] } == [["mid:1"], ["old:1"]])
        #expect(try names { $0.labels = [.init("k")] } == [["mid:1"], old])
        #expect(try names { $0.labels = [.init("k=v")] } == [old])
        #expect(try names { $0.labelsNot = [.init("k=v")] } == [[], ["mid:1"]])
        #expect(try names { $0.before = ["mid:1"] } == [old])
        #expect(try names { $0.since = ["old:1"] } == [[], ["mid:1"]])
        #expect(try names { $0.until = Timestamp(rfc3339: "2020-06-01T00:00:00Z") } == [old])
        expectImageError(.imageNotFound) { _ = try names { $0.before = ["none"] } }
        expectImageError(.invalidArgument) { _ = try names { $0.references = ["[a"] } }
    }

    @Test func historyShowsStepsFromTheTop() throws {
        let fixture = try StoreFixture()
        let image = archive(["a", "bb"], ["e:1"])
        try fixture.load(image.layout())
        let history = try fixture.store.history("e:1")
        #expect(history.map(\.size) == [2, 1])
        #expect(history.map(\.id) == [image.id, nil])
        #expect(history[0].tags == ["e:1"])
    }

    // MARK: - Save and import

    @Test func savedArchivesLoadAgainAsTheSameImage() throws {
        let (from, to) = (try StoreFixture(), try StoreFixture())
        let images = [archive(["a", "b"], ["e:1", "e:2"]), archive(["a"], ["other:x"])]
        for image in images { try from.load(image.layout()) }
        let sink = MemorySink()
        try from.store.save(["e", "other:x"], to: sink)
        let result = try to.load(sink.bytes)
        #expect(result.images.map(\.id) == images.map(\.id))
        #expect(result.images[0].references.map(\.familiar) == ["e:1", "e:2"])
        let again = MemorySink()
        try to.store.save(["e", "other:x"], to: again)
        #expect(again.bytes == sink.bytes)
        expectImageError(.imageNotFound) { try from.store.save(["none"], to: MemorySink()) }
        let byID = MemorySink()
        try from.store.save([images[1].id.short], to: byID)
        #expect(try to.load(byID.bytes).images == [.init(id: images[1].id, references: [])])
    }

    @Test func damagedLayerIsNotSaved() throws {
        let fixture = try StoreFixture()
        let image = archive(["abc"], ["e:1"])
        try fixture.load(image.layout())
        let file = try openFile(fixture.path(image.layers[0].diffID, "file-abc"), O_WRONLY)
        try LinuxKernel.writeAll(file.rawValue, "xyz".utf8)
        expectImageError(.corruptedStore) { try fixture.store.save(["e:1"], to: MemorySink()) }
    }

    @Test func importedFilesystemGetsItsConfiguration() throws {
        let fixture = try StoreFixture()
        var tar = TarBuilder()
        tar.file("bin/sh", "#!")
        let id = try fixture.store.importRootFilesystem(
            from: MemorySource(tar.finished()), reference: "mine:1", message: "",
            changes: [
                "CMD [\"sh\", \"-c\"]", "entrypoint run me", "ENV A=1 B=\"two words\"", "ENV C ${A}x$B",
                "EXPOSE 80 53/udp",
                "LABEL a=b", "USER www", "VOLUME /data", "WORKDIR /a", "workdir b", "STOPSIGNAL SIGINT",
                "HEALTHCHECK --interval=5s --retries=2 CMD true", "ONBUILD RUN x",
            ])
        let image = try fixture.store.image("mine:1")
        let config = image.configuration.config
        #expect(image.id == id)
        #expect(config.command == ["sh", "-c"])
        #expect(config.entrypoint == ["/bin/sh", "-c", "run me"])
        #expect(config.environment == ["A=1", "B=two words", "C=1xtwo words"])
        #expect(config.exposedPorts == ["53/udp", "80/tcp"])
        #expect(config.labels == ["a": "b"])
        #expect((config.user, config.workingDirectory) == ("www", "/a/b"))
        #expect(config.volumes == ["/data"])
        #expect(config.healthcheck?.test == ["CMD-SHELL", "true"])
        #expect(config.healthcheck?.interval == 5_000_000_000)
        #expect(image.configuration.history.first?.comment == "Imported from -")
        for change in [
            "RUN x", "USER", "EXPOSE 0", "EXPOSE x", "LABEL a", "SHELL x", "HEALTHCHECK --x=1 NONE",
        ] {
            expectImageError(.invalidArgument) {
                _ = try fixture.store.importRootFilesystem(
                    from: MemorySource(tar.finished()), reference: nil, message: "", changes: [change])
            }
        }
    }

    // MARK: - Containers

    @Test func changesOfAContainerAreTold() throws {
        let fixture = try StoreFixture()
        var lower = TarBuilder()
        lower.file("etc/a", "a")
        lower.file("etc/b", "b")
        lower.file("gone/x", "x")
        var upper = TarBuilder()
        upper.file(".wh.gone")
        try fixture.load(
            ArchiveBuilder(layers: [.init(lower.finished()), .init(upper.finished())]).layout())
        let layer = try fixture.store.createContainerLayer(id: "c", image: fixture.store.image("example").id)
        let root = fixture.store.paths(of: layer).upper
        try makeDirectories(root + "/etc")
        try replaceFile(root + "/etc/a", Array("changed".utf8))
        try replaceFile(root + "/etc/new", Array("new".utf8))
        #expect(mknod(root + "/etc/b", S_IFCHR, 0) == 0)
        try makeDirectories(root + "/gone")
        #expect(
            try fixture.store.changes(of: layer).map { "\($0.kind) \($0.path)" } == [
                "modified /etc", "modified /etc/a", "deleted /etc/b", "added /etc/new", "added /gone",
            ])
        #expect(try fixture.store.size(of: layer) == 10)
    }

    @Test func foldersOfUnknownContainersGo() throws {
        let fixture = try StoreFixture()
        let image = archive(["a"], ["e:1"])
        try fixture.load(image.layout())
        let before = try fixture.files()
        _ = try fixture.store.createContainerLayer(id: "lost", image: image.id)
        let kept = try fixture.store.createContainerLayer(id: "kept", image: image.id)
        expectImageError(.conflict) {
            _ = try fixture.store.createContainerLayer(id: "kept", image: image.id)
        }
        expectImageError(.invalidArgument) {
            _ = try fixture.store.createContainerLayer(id: "../x", image: image.id)
        }
        try LinuxKernel.removeTree(fixture.store.paths(of: kept).upper)
        try fixture.reopen(adopting: [kept])
        #expect(fileExists(fixture.store.paths(of: kept).upper))
        #expect(!fileExists(fixture.store.paths.container("lost")))
        try fixture.store.removeContainerLayer(kept)
        #expect(try fixture.files() == before)
    }
}
