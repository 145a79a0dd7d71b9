/// The control group mounts of this machine.
package struct CgroupHost: Sendable {
    package enum Version: Sendable { case v1, v2 }

    package let version: Version
    /// Version 1: where each controller is mounted, by its name (`cpu`, `memory`, `name=systemd`, …).
    /// Version 2: the one mount under the empty name.
    package let mounts: [String: String]

    /// Reads /proc/self/mountinfo. Controllers mounted as version 1 win over a version 2 mount beside them.
    /// - Throws: `.notMounted`
    package static func discover() throws(CgroupError) -> CgroupHost {
        throw CgroupError(.unsupported, "control groups are not built yet")
    }

    /// Makes the group at `path` (below each hierarchy's root, such as `/skiff/<id>`) with its parents.
    /// - Throws: `.invalidPath` where it has `..` in it or is no absolute path
    package func create(_ path: String) throws(CgroupError) -> any Cgroup {
        throw CgroupError(.unsupported, "control groups are not built yet")
    }

    /// The group at `path`, which need not exist any more.
    package func existing(_ path: String) throws(CgroupError) -> any Cgroup {
        throw CgroupError(.unsupported, "control groups are not built yet")
    }
}
