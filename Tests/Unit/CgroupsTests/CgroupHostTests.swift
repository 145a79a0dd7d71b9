@testable import Cgroups
import LinuxKernel
import OCIModel
import Testing

struct CgroupHostTests {
    private func table(_ lines: String...) -> [MountTableEntry] {
        lines.compactMap { MountTableEntry(line: $0[...]) }
    }

    @Test func controllersOfVersionOneWinOverAVersionTwoMountBesideThem() throws {
        let host = try CgroupHost(
            mounts: table(
                "30 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
                "31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct",
                "32 25 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd"))
        #expect(host.version == .v1)
        #expect(
            host.mounts == [
                "cpu": "/sys/fs/cgroup/cpu,cpuacct", "cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
                "name=systemd": "/sys/fs/cgroup/systemd",
            ])
    }

    @Test func versionTwoIsTakenWhereVersionOneHasNoController() throws {
        let host = try CgroupHost(
            mounts: table(
                "30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate",
                "32 25 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd"))
        #expect(host.version == .v2 && host.mounts[""] == "/sys/fs/cgroup")
    }

    @Test func aMachineWithoutControlGroupsIsAnError() {
        let error = #expect(throws: CgroupError.self) {
            try CgroupHost(mounts: table("1 2 0:1 / / rw - ext4 /dev/sda rw"))
        }
        #expect(error?.code == .notMounted && error?.category == .unsupported)
    }

    @Test(arguments: ["", "relative", "/", "/a/../b", "/./a", "/a\n/b"])
    func pathsThatLeadElsewhereAreRefused(_ path: String) {
        let host = CgroupHost(version: .v2, mounts: ["": "/nonexistent"])
        let error = #expect(throws: CgroupError.self) { try host.existing(path) }
        #expect(error?.code == .invalidPath)
    }

    @Test func superfluousSlashesGo() throws {
        let host = CgroupHost(version: .v2, mounts: ["": "/nonexistent"])
        #expect(try host.existing("//a///b/").path == "/a/b")
    }
}
