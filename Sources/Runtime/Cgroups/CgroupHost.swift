import LinuxKernel
package import OCIModel

/// The control group mounts of this machine.
package struct CgroupHost: Sendable {
    package enum Version: Sendable { case v1, v2 }

    package let version: Version
    /// Version 1: where each controller is mounted, by its name (`cpu`, `memory`, `name=systemd`, …).
    /// Version 2: the one mount under the empty name.
    package let mounts: [String: String]

    package init(version: Version, mounts: [String: String]) {
        self.version = version
        self.mounts = mounts
    }

    /// Reads /proc/self/mountinfo. Controllers mounted as version 1 win over a version 2 mount beside them.
    /// - Throws: `.notMounted`
    package static func discover() throws(CgroupError) -> CgroupHost {
        let table: [MountTableEntry]
        do throws(SystemCallError) {
            table = try mountTable()
        } catch {
            throw CgroupError(.failed, "cannot read the mounts of this machine", cause: error)
        }
        return try CgroupHost(mounts: table)
    }

    /// Whether systemd runs this machine (sd_booted(3)).
    package static var runsSystemd: Bool { fileExists("/run/systemd/system") }

    /// Makes a group with limits: `path` as for `create(_:)`, or `slice:prefix:name` for a scope that systemd makes
    /// (version 2 only; for a process with one thread). Nothing is left after a failure.
    package func create(_ path: String, _ resources: RuntimeResources) throws(CgroupError) -> any Cgroup {
        if SystemdUnit.isMeant(by: path) {
            return try SystemdCgroup.create(try SystemdUnit(path), mount: try systemdMount(path), resources)
        }
        let group = try create(path)
        do throws(CgroupError) {
            try group.apply(resources)
        } catch {
            do throws(CgroupError) {
                try group.remove()
            } catch let second {
                throw CgroupError(error.code, "\(error.message); then: \(second.message)")
            }
            throw error
        }
        return group
    }

    private func systemdMount(_ path: String) throws(CgroupError) -> String {
        guard version == .v2, let mount = mounts[""] else {
            throw CgroupError(
                .unsupported,
                "control group \(path): systemd's driver needs control groups version 2, which this machine does not "
                    + "use; use the cgroupfs driver")
        }
        return mount
    }

    /// The path below each hierarchy's root that a group has: of `slice:prefix:name`, its scope's.
    /// - Throws: `.invalidPath`
    package static func location(_ path: String) throws(CgroupError) -> String {
        SystemdUnit.isMeant(by: path) ? try SystemdUnit(path).path : try checked(path)
    }

    /// Whether the group is there, in any hierarchy.
    package func has(_ path: String) throws(CgroupError) -> Bool {
        let path = try Self.location(path)
        return mounts.values.contains { fileExists($0 + path) }
    }

    /// Whether `name` is a slice of systemd's, such as `system.slice`.
    /// - Throws: `.invalidPath`, in Docker's words
    package static func checkSlice(_ name: String) throws(CgroupError) {
        _ = try SystemdUnit.path(ofSlice: name)
    }

    /// Makes the group at `path` (below each hierarchy's root, such as `/skiff/<id>`) with its parents.
    /// - Throws: `.invalidPath` where it has `..` in it or is no absolute path
    package func create(_ path: String) throws(CgroupError) -> any Cgroup {
        let path = try Self.checked(path)
        switch version {
        case .v1:
            let group = CgroupV1(path: path, mounts: mounts)
            try group.create()
            return group
        case .v2:
            let group = CgroupV2(path: path, mount: mounts[""] ?? "/sys/fs/cgroup")
            try group.create()
            return group
        }
    }

    /// The group at `path`, which need not exist any more.
    package func existing(_ path: String) throws(CgroupError) -> any Cgroup {
        if SystemdUnit.isMeant(by: path) {
            return SystemdCgroup(try SystemdUnit(path), mount: try systemdMount(path))
        }
        let path = try Self.checked(path)
        return switch version {
        case .v1: CgroupV1(path: path, mounts: mounts)
        case .v2: CgroupV2(path: path, mount: mounts[""] ?? "/sys/fs/cgroup")
        }
    }

    /// The path with single slashes.
    private static func checked(_ path: String) throws(CgroupError) -> String {
        let parts = path.split(separator: "/")
        guard path.hasPrefix("/"), !parts.isEmpty, !parts.contains(".."), !parts.contains("."),
            !path.utf8.contains(0), !path.utf8.contains(10)
        else {
            throw CgroupError(
                .invalidPath,
                "control group \(path): must be an absolute path without . and .. such as /skiff/name")
        }
        return "/" + parts.joined(separator: "/")
    }

    init(mounts table: [MountTableEntry]) throws(CgroupError) {
        var controllers: [String: String] = [:]
        var unified: String?
        for entry in table {
            if entry.type == "cgroup" {
                for option in entry.superOptions
                where option.hasPrefix("name=") || Self.v1Controllers.contains(option) {
                    if controllers[option] == nil { controllers[option] = entry.mountPoint }
                }
            } else if entry.type == "cgroup2", unified == nil {
                unified = entry.mountPoint
            }
        }
        if controllers.keys.contains(where: { !$0.hasPrefix("name=") }) {
            self.init(version: .v1, mounts: controllers)
        } else if let unified {
            self.init(version: .v2, mounts: ["": unified])
        } else {
            throw CgroupError(
                .notMounted, "no control groups are mounted on this machine: mount cgroup2 on /sys/fs/cgroup")
        }
    }

    private static let v1Controllers: Set<String> = [
        "blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "misc", "net_cls",
        "net_prio",
        "perf_event", "pids", "rdma",
    ]
}
