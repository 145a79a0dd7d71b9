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

    @Test func whatIsStagedGoesUnlessContainersArePausedForIt() throws {
        let folder = try Folder()
        _ = try VolumeStore(root: folder.path + "/volumes")
        _ = try folder.shell(
            "mkdir -p volumes/.new-1/_data volumes/.new-2/_data; printf 'a\\nb' > volumes/.new-2/paused")
        let store = try VolumeStore(root: folder.path + "/volumes")
        #expect(!fileExists(folder.path + "/volumes/.new-1"))
        #expect(try store.leftPaused() == ["a", "b"])
        try store.clearPaused()
        #expect(!fileExists(folder.path + "/volumes/.new-2"))
        #expect(try store.list().isEmpty)
    }

    /// The folder that is exchanged with an empty volume's would be another than the one that somebody has mounted.
    @Test func aVolumeThatSomebodyUsesIsFilledInPlace() throws {
        let folder = try Folder()
        _ = try folder.shell("mkdir -p low/data/sub; echo 1 > low/data/sub/f; chmod 750 low/data")
        let store = try VolumeStore(root: folder.path + "/volumes")
        let volume = try store.ensure(VolumeRequest(name: "db"))
        try store.mount("db", for: "somebody")
        let before = try folder.shell("stat -c %i \(volume.path)")
        try store.populate("db", from: [folder.path + "/low"], path: "/data")
        #expect(try folder.shell("stat -c %i \(volume.path)") == before)
        #expect(
            try folder.shell("cd \(volume.path); find . | sort; stat -c %a .") == ".\n./sub\n./sub/f\n750\n")
        try store.unmount("db", for: "somebody")
    }

    @Test func whatACrashLeftOfFillingInPlaceIsFinishedOrRemoved() throws {
        let folder = try Folder()
        let store = try VolumeStore(root: folder.path + "/volumes")
        for name in ["one", "two"] { _ = try store.ensure(VolumeRequest(name: name)) }
        _ = try folder.shell(
            """
            mkdir volumes/one/_data/.skiff-copy-up volumes/two/_data/.skiff-copy-up.part
            echo 1 > volumes/one/_data/.skiff-copy-up/f; echo 1 > volumes/two/_data/.skiff-copy-up.part/f
            """)
        for name in ["one", "two"] { try store.mount(name, for: "somebody") }
        #expect(try folder.shell("ls -A volumes/one/_data") == "f\n")
        #expect(try folder.shell("ls -A volumes/two/_data").isEmpty)
    }

    @Test func aRenameThatWasCutOffIsFound() throws {
        let folder = try Folder()
        let store = try VolumeStore(root: folder.path + "/volumes")
        _ = try store.ensure(VolumeRequest(name: "old"))
        store.letGo(["old"])
        let rename = VolumeRename(from: "old", to: "new", containers: ["c"])
        #expect(try !store.carryOut(rename) { false })
        #expect(try store.leftRenames().isEmpty && store.exists("old"))
        #expect(try store.carryOut(rename) { true })
        let left = try VolumeStore(root: folder.path + "/volumes").leftRenames()
        #expect(left.map(\.name) == ["new"] && left.map(\.rename) == [rename])
        try store.forgetRename(of: "new")
        #expect(try store.leftRenames().isEmpty && !store.exists("old"))
    }
}
