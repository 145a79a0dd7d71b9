import OCIModel

/// Which CPUs and memory nodes a group may use; the same files in both versions.
enum CpusetController {
    static func concerns(_ cpu: RuntimeCPU) -> Bool {
        !(cpu.cpus ?? "").isEmpty || !(cpu.mems ?? "").isEmpty
    }

    static func apply(_ cpu: RuntimeCPU, _ directory: CgroupDirectory) throws(CgroupError) {
        if let cpus = cpu.cpus, !cpus.isEmpty { try directory.write("cpuset.cpus", cpus) }
        if let mems = cpu.mems, !mems.isEmpty { try directory.write("cpuset.mems", mems) }
    }

    /// On version 1 a new group has empty sets, which no process can join: every level takes over its parent's.
    static func inherit(mount: String, path: String) throws(CgroupError) {
        var parent = CgroupDirectory(path: mount)
        for part in path.split(separator: "/") {
            let child = CgroupDirectory(path: "\(parent.path)/\(part)")
            for file in ["cpuset.cpus", "cpuset.mems"] where try child.read(file).isEmpty {
                try child.write(file, parent.read(file))
            }
            parent = child
        }
    }
}
