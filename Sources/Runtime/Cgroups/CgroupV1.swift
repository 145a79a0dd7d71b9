import LinuxKernel
package import OCIModel
import Glibc

/// A control group in every hierarchy of version 1 (the kernel's Documentation/admin-guide/cgroup-v1).
package struct CgroupV1: Cgroup {
    package let path: String
    /// Mount point by controller name; controllers that are mounted together share one.
    private let mounts: [String: String]

    init(path: String, mounts: [String: String]) {
        self.path = path
        self.mounts = mounts
    }

    package var directory: String { (mounts["memory"] ?? mounts["pids"] ?? hierarchies.first ?? "") + path }

    /// Every mount point once, in a stable order.
    private var hierarchies: [String] { Set(mounts.values).sorted() }

    /// This group's directory in a controller's hierarchy; nil where it is not mounted.
    func controller(_ name: String) -> CgroupDirectory? {
        mounts[name].map { CgroupDirectory(path: $0 + path) }
    }

    private func required(_ name: String, for what: String) throws(CgroupError) -> CgroupDirectory {
        guard let directory = controller(name) else {
            throw CgroupError(.unsupported, "\(what): the \(name) controller is not mounted on this machine")
        }
        return directory
    }

    /// Mounted hierarchies and this group's directory in them, for the view that a container gets of them.
    package var views: [(controllers: [String], mountPoint: String, directory: String)] {
        hierarchies.map { mount in
            (mounts.filter { $0.value == mount }.keys.sorted(), mount, mount + path)
        }
    }

    func create() throws(CgroupError) {
        for mount in hierarchies {
            do throws(SystemCallError) {
                try makeDirectories(mount + path)
            } catch {
                throw CgroupError(.failed, "cannot make control group \(mount + path)", cause: error)
            }
        }
        if let mount = mounts["cpuset"] { try CpusetController.inherit(mount: mount, path: path) }
    }

    package func apply(_ resources: RuntimeResources) throws(CgroupError) {
        guard resources.unified.isEmpty else {
            throw CgroupError(
                .unsupported, "resources.unified is for control groups version 2; this machine has 1")
        }
        if let memory = resources.memory {
            try MemoryController.apply(memory, v1: required("memory", for: "memory limits"))
        }
        if let cpu = resources.cpu {
            if CPUController.concerns(cpu) {
                try CPUController.apply(cpu, v1: required("cpu", for: "CPU limits"))
            }
            if CpusetController.concerns(cpu) {
                try CpusetController.apply(cpu, required("cpuset", for: "CPU sets"))
            }
        }
        if let limit = resources.pidsLimit {
            try PidsController.apply(limit, required("pids", for: "the limit of processes"))
        }
        if let blockIO = resources.blockIO {
            try BlockIOController.apply(blockIO, v1: required("blkio", for: "block I/O limits"))
        }
        if !resources.devices.isEmpty {
            try DevicesController.apply(resources.devices, v1: required("devices", for: "device rules"))
        }
        if !resources.hugepageLimits.isEmpty {
            try HugepageController.apply(
                resources.hugepageLimits, v1: required("hugetlb", for: "limits of huge pages"))
        }
        if let classID = resources.network?.classID {
            try NetworkClassController.apply(
                classID: classID, required("net_cls", for: "the class of packets"))
        }
        if let priorities = resources.network?.priorities, !priorities.isEmpty {
            try NetworkClassController.apply(
                priorities, required("net_prio", for: "priorities of interfaces"))
        }
    }

    package func openMembership() throws(CgroupError) -> CgroupMembership {
        var files: [SharedDescriptor] = []
        for mount in hierarchies {
            do throws(SystemCallError) {
                files.append(SharedDescriptor(try openFile("\(mount)\(path)/tasks", O_WRONLY)))
            } catch {
                throw CgroupDirectory(path: mount + path).failure(error, "cannot join it")
            }
        }
        return CgroupMembership(files: files, directory: nil)
    }

    package func processes(recursive: Bool) throws(CgroupError) -> [Int32] {
        guard
            let directory = controller("pids") ?? controller("memory")
                ?? hierarchies.first.map({
                    CgroupDirectory(path: $0 + path)
                })
        else { return [] }
        return try Self.processes(directory, recursive: recursive)
    }

    static func processes(_ directory: CgroupDirectory, recursive: Bool) throws(CgroupError) -> [Int32] {
        var result = try directory.pids("cgroup.procs")
        guard recursive else { return result }
        for child in directory.children() {
            do throws(CgroupError) {
                result += try processes(child, recursive: true)
            } catch  where error.code == .notFound { continue }
        }
        return result
    }

    package func setFrozen(_ frozen: Bool) throws(CgroupError) {
        try FreezerController.setFrozen(frozen, v1: required("freezer", for: "pause"))
    }

    package func isFrozen() throws(CgroupError) -> Bool {
        guard let directory = controller("freezer") else { return false }
        return try FreezerController.isFrozen(v1: directory)
    }

    package func statistics() throws(CgroupError) -> CgroupStatistics {
        guard fileExists(directory) else {
            throw CgroupError(.notFound, "control group \(path) does not exist (any more)")
        }
        var result = CgroupStatistics()
        if let cpuacct = controller("cpuacct") {
            CPUController.readAccounting(v1: cpuacct, into: &result.cpu)
        }
        if let cpu = controller("cpu") { CPUController.readThrottling(v1: cpu, into: &result.cpu) }
        if let memory = controller("memory") { MemoryController.read(v1: memory, into: &result.memory) }
        if let pids = controller("pids") { PidsController.read(pids, into: &result.pids) }
        if let blkio = controller("blkio") { BlockIOController.read(v1: blkio, into: &result.blockIO) }
        return result
    }

    package func outOfMemoryKills() throws(CgroupError) -> UInt64 {
        guard let memory = controller("memory") else { return 0 }
        return CgroupDirectory.table(try memory.read("memory.oom_control"))["oom_kill"] ?? 0
    }

    package func remove() throws(CgroupError) {
        var failure: CgroupError?
        for mount in hierarchies {
            do throws(CgroupError) {
                try CgroupDirectory(path: mount + path).remove()
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
