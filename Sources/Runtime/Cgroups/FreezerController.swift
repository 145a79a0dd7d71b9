import Glibc

/// Stops and continues all processes of a group.
enum FreezerController {
    /// How long the kernel may take, in steps of half a millisecond: a process in an uninterruptible wait delays it.
    private static let attempts = 4000

    static func setFrozen(_ frozen: Bool, v1 directory: CgroupDirectory) throws(CgroupError) {
        let wanted = frozen ? "FROZEN" : "THAWED"
        for _ in 0..<attempts {
            // Written again each time: processes that fork meanwhile can leave the group in FREEZING for good.
            try directory.write("freezer.state", wanted)
            if try directory.read("freezer.state") == wanted { return }
            usleep(500)
        }
        try directory.write("freezer.state", "THAWED")
        throw CgroupError(.busy, "cannot freeze control group \(directory.path): its processes do not stop")
    }

    static func isFrozen(v1 directory: CgroupDirectory) throws(CgroupError) -> Bool {
        try directory.read("freezer.state") != "THAWED"
    }

    static func setFrozen(_ frozen: Bool, v2 directory: CgroupDirectory) throws(CgroupError) {
        try directory.write("cgroup.freeze", frozen ? "1" : "0")
        for _ in 0..<attempts {
            if CgroupDirectory.table(try directory.read("cgroup.events"))["frozen"] == (frozen ? 1 : 0) {
                return
            }
            usleep(500)
        }
        try directory.write("cgroup.freeze", "0")
        throw CgroupError(.busy, "cannot freeze control group \(directory.path): its processes do not stop")
    }

    static func isFrozen(v2 directory: CgroupDirectory) throws(CgroupError) -> Bool {
        try directory.read("cgroup.freeze") == "1"
    }
}
