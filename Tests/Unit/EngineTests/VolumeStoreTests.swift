import Glibc
import LinuxKernel
import Testing

@testable import Engine

@Suite(.enabled(if: getuid() == 0, "mounting layers needs root")) struct VolumeStoreTests {
    final class Folder {
        let path: String
        init() throws {
            var template = Array("/tmp/skiff-volumes-XXXXXX".utf8CString)
            path = String(cString: try #require(mkdtemp(&template)))
        }
        deinit { _ = try? removeTree(path) }

        func shell(_ script: String) throws -> String {
            try ChildOutput.run(["sh", "-c", "cd \(path) && { \(script); }"]).text
        }
    }

    @Test func anEmptyVolumeGetsTheMergedContentOfTheImage() throws {
        let folder = try Folder()
        _ = try folder.shell(
            """
            mkdir -p low/data/sub up/data; echo old > low/data/f; echo keep > low/data/sub/k; echo gone > low/data/gone
            echo new > up/data/f; mknod up/data/gone c 0 0; chown 70:70 up/data; chmod 700 up/data
            """)
        let store = try VolumeStore(root: folder.path + "/volumes")
        let volume = try store.ensure(VolumeRequest(name: "db"))
        #expect(volume.created)
        try store.populate("db", from: [folder.path + "/up", folder.path + "/low"], path: "/data")
        let listing = try folder.shell("cd \(volume.path); find . -printf '%p %U %m\\n' | sort; cat f sub/k")
        #expect(listing == ". 70 700\n./f 0 644\n./sub 0 755\n./sub/k 0 644\nnew\nkeep\n")
        _ = try folder.shell("rm -r \(volume.path)/sub")
        try store.populate("db", from: [folder.path + "/low"], path: "/data")
        #expect(!fileExists(volume.path + "/sub"), "a volume with content is left alone")
    }

    @Test func aLinkInTheImageNeverLeadsOutOfIt() throws {
        let folder = try Folder()
        _ = try folder.shell("mkdir low; ln -s /etc low/data; ln -s ../../../../etc low/up")
        let store = try VolumeStore(root: folder.path + "/volumes")
        for (name, path) in [("v1", "/data"), ("v2", "/up")] {
            let volume = try store.ensure(VolumeRequest(name: name))
            try store.populate(name, from: [folder.path + "/low"], path: path)
            #expect(try folder.shell("ls -A \(volume.path)").isEmpty)
        }
    }

    @Test func volumesAreFoundAgainWithAndWithoutTheirRecord() throws {
        let folder = try Folder()
        var store = try VolumeStore(root: folder.path + "/volumes")
        let anonymous = try store.ensure(VolumeRequest(name: nil, labels: ["a": "b"]))
        _ = try store.ensure(VolumeRequest(name: "named"))
        _ = try folder.shell(
            "rm volumes/named/volume.json; mkdir volumes/named/_data.new; echo 1 > volumes/named/_data/x")
        store = try VolumeStore(root: folder.path + "/volumes")
        #expect(try store.list() == [anonymous.name, "named"].sorted())
        #expect(store.record(of: anonymous.name)?.labels == ["a": "b"])
        #expect(store.record(of: "named") == nil && fileExists(store.path(of: "named") + "/x"))
        #expect(!fileExists(folder.path + "/volumes/named/_data.new"))
        #expect(try store.ensure(VolumeRequest(name: "named")).created == false)
        #expect(try !store.removeUnused("../named") { false })
        store.letGo(["named"])
        #expect(try store.removeUnused("named") { false })
        #expect(try !store.removeUnused("named") { false })
    }

    @Test func aVolumeInUseIsNotRemoved() throws {
        let folder = try Folder()
        let store = try VolumeStore(root: folder.path + "/volumes")
        _ = try store.ensure(VolumeRequest(name: "data"))
        _ = try store.ensure(VolumeRequest(name: "data"))
        #expect(try !store.removeUnused("data") { false }, "two containers are being made with it")
        store.letGo(["data"])
        #expect(try !store.removeUnused("data") { false })
        store.letGo(["data"])
        #expect(try !store.removeUnused("data") { true }, "a container has it")
        #expect(try store.removeUnused("data") { false })
        #expect(try store.list().isEmpty)
    }

    @Test func whatARemovalLeftGoesWhenTheStoreOpens() throws {
        let folder = try Folder()
        _ = try VolumeStore(root: folder.path + "/volumes")
        _ = try folder.shell("mkdir -p volumes/.removed-1/_data/x; mkdir -p volumes/kept/_data")
        #expect(try VolumeStore(root: folder.path + "/volumes").list() == ["kept"])
        #expect(!fileExists(folder.path + "/volumes/.removed-1"))
    }
}
