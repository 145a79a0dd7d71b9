import LinuxKernel
package import OCIModel
import Glibc

/// A control group of the unified hierarchy (the kernel's Documentation/admin-guide/cgroup-v2.rst).
package struct CgroupV2: Cgroup {
    package let path: String
    package let mount: String

    init(path: String, mount: String) {
        self.path = path
        self.mount = mount
    }

    package var directory: String { mount + path }

    private var control: CgroupDirectory { CgroupDirectory(path: directory) }

    /// Makes the directories and hands every available controller down to the last one's parent.
    func create() throws(CgroupError) {
        var current = mount
        for part in path.split(separator: "/") {
            try Self.enableControllers(CgroupDirectory(path: current))
            current += "/\(part)"
            if mkdir(current, 0o755) != 0, errno != EEXIST {
                throw CgroupError(
                    .failed, "cannot make control group \(current)",
                    cause: SystemCallError(call: "mkdir", subject: current))
            }
        }
    }

    /// A controller that cannot be handed down (a group with processes of its own, or a kernel that keeps it) stays
    /// out; a limit that needs it then says so.
    private static func enableControllers(_ directory: CgroupDirectory) throws(CgroupError) {
        let available = try directory.read("cgroup.controllers").split(separator: " ")
        let enabled = try directory.read("cgroup.subtree_control").split(separator: " ")
        let missing = available.filter { !enabled.contains($0) }
        if missing.isEmpty { return }
        do throws(CgroupError) {
            try directory.write("cgroup.subtree_control", missing.map { "+\($0)" }.joined(separator: " "))
        } catch {
            for controller in missing { try? directory.write("cgroup.subtree_control", "+\(controller)") }
        }
    }

    package func apply(_ resources: RuntimeResources) throws(CgroupError) {
        if let memory = resources.memory { try MemoryController.apply(memory, v2: control) }
        if let cpu = resources.cpu {
            try CPUController.apply(cpu, v2: control)
            if CpusetController.concerns(cpu) { try CpusetController.apply(cpu, control) }
        }
        if let limit = resources.pidsLimit { try PidsController.apply(limit, control) }
        if let blockIO = resources.blockIO { try BlockIOController.apply(blockIO, v2: control) }
        if !resources.devices.isEmpty { try DevicesController.apply(resources.devices, v2: control) }
        if !resources.hugepageLimits.isEmpty {
            try HugepageController.apply(resources.hugepageLimits, v2: control)
        }
        if let network = resources.network, network != RuntimeNetworkResources() {
            throw CgroupError(
                .unsupported,
                "resources.network is for control groups version 1 (net_cls, net_prio); this machine has 2")
        }
        for (file, value) in resources.unified.sorted(by: { $0.key < $1.key }) {
            guard !file.contains("/"), file.contains(".") else {
                throw CgroupError(.invalidValue, "resources.unified: \(file) is no control file's name")
            }
            for line in value.split(separator: "\n") { try control.write(file, String(line)) }
        }
    }

    /// Microseconds; nil where the group has no bandwidth of its own.
    var cpuPeriod: UInt64? {
        (try? control.read("cpu.max")).flatMap { $0.split(separator: " ").last }.flatMap { UInt64($0) }
    }

    package func openMembership() throws(CgroupError) -> CgroupMembership {
        do throws(SystemCallError) {
            return CgroupMembership(
                files: [], directory: SharedDescriptor(try openFile(directory, O_RDONLY | O_DIRECTORY)))
        } catch {
            throw control.failure(error, "cannot join it")
        }
    }

    package func processes(recursive: Bool) throws(CgroupError) -> [Int32] {
        try CgroupV1.processes(control, recursive: recursive)
    }

    package func setFrozen(_ frozen: Bool) throws(CgroupError) {
        try FreezerController.setFrozen(frozen, v2: control)
    }

    package func isFrozen() throws(CgroupError) -> Bool { try FreezerController.isFrozen(v2: control) }

    package func statistics() throws(CgroupError) -> CgroupStatistics {
        guard fileExists(directory) else {
            throw CgroupError(.notFound, "control group \(path) does not exist (any more)")
        }
        var result = CgroupStatistics()
        CPUController.read(v2: control, into: &result.cpu)
        MemoryController.read(v2: control, into: &result.memory)
        PidsController.read(control, into: &result.pids)
        BlockIOController.read(v2: control, into: &result.blockIO)
        return result
    }

    package func outOfMemoryKills() throws(CgroupError) -> UInt64 {
        CgroupDirectory.table(try control.read("memory.events"))["oom_kill"] ?? 0
    }

    package func remove() throws(CgroupError) { try control.remove() }
}
