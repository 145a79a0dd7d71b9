import LinuxKernel
@testable import OCIRuntime
import Testing

struct MountOptionsTests {
    @Test func flagsOfNewFilesystemsAndOfBindMountsAreBothKnown() throws {
        let options = try MountOptions([
            "ro", "nosuid", "nodev", "noexec", "strictatime", "size=1k", "mode=755",
        ])
        #expect(options.flags == 1 | 2 | 4 | 8 | 1 << 24)
        #expect(options.set == [.readOnly, .noSetUID, .noDevices, .noExecute, .strictAccessTime])
        #expect(options.clear == .accessTimeMask)
        #expect(options.data == ["size=1k", "mode=755"])
    }

    @Test func aLaterOptionTakesAnEarlierOneBack() throws {
        let options = try MountOptions(["ro", "nosuid", "rw"])
        #expect(options.flags == 2 && options.set == .noSetUID && options.clear == .readOnly)
    }

    @Test func recursiveOptionsStayApart() throws {
        let options = try MountOptions(["rbind", "rro", "rnosuid", "rw"])
        #expect(options.bindsRecursively && options.recursiveSet == [.readOnly, .noSetUID])
        #expect(options.set == [] && options.clear == .readOnly)
    }

    @Test(arguments: [
        ("rprivate", MountPropagation.private, true), ("slave", .slave, false), ("rshared", .shared, true),
        ("unbindable", .unbindable, false),
    ])
    func propagationIsNoFlag(_ name: String, _ kind: MountPropagation, _ recursive: Bool) throws {
        let options = try MountOptions([name])
        #expect(
            options.propagation == kind && options.propagatesRecursively == recursive && options.data.isEmpty)
    }

    @Test func wordsThatOnlyLookRecursiveReachTheFilesystem() throws {
        #expect(try MountOptions(["rsize=8192", "rsync"]).data == ["rsize=8192", "rsync"])
    }

    @Test func remountIsRefusedByName() {
        let error = #expect(throws: RuntimeError.self) { try MountOptions(["remount"]) }
        #expect(error?.code == .unsupported && error?.message.contains("remount") == true)
    }

    @Test func everyNameThatFeaturesListsIsUnderstood() throws {
        for name in MountOptions.names { #expect(try MountOptions([name]).data.isEmpty, "\(name)") }
    }
}
