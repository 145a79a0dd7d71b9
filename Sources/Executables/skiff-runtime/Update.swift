import Cgroups
import JSONCodec
import LinuxKernel
import OCIModel

/// `update [--resources FILE|-] [--memory N …] ID`: changes a container's limits.
enum Update {
    private static let settings: Set<String> = [
        "resources", "memory", "memory-swap", "memory-reservation", "cpu-period", "cpu-quota", "cpu-share",
        "cpu-shares", "cpu-burst", "cpu-rt-period", "cpu-rt-runtime", "cpu-idle", "cpuset-cpus",
        "cpuset-mems",
        "pids-limit", "blkio-weight", "kernel-memory", "kernel-memory-tcp",
    ]

    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let options = try Options(words, flags: [], settings: settings, short: ["r": "resources"])
        let id = try options.identifier()
        let record = try ContainerRecord(readingFrom: try context.directory(id), id: id)
        guard let group = try record.cgroupIfAny() else {
            throw CommandError("container \(id) has no control group of its own")
        }
        var resources = RuntimeResources()
        if let file = options["resources"] { resources = try read(file == "-" ? "/dev/stdin" : file) }
        try addMemory(options, &resources)
        try addCPU(options, &resources)
        if let limit: Int64 = try options.integer("pids-limit") { resources.pidsLimit = limit }
        if let weight: UInt16 = try options.integer("blkio-weight") {
            var blockIO = resources.blockIO ?? RuntimeBlockIO()
            blockIO.weight = weight
            resources.blockIO = blockIO
        }
        try cgroup { () throws(CgroupError) in try group.apply(resources) }
        return 0
    }

    private static func read(_ file: String) throws(CommandError) -> RuntimeResources {
        let value = try Bundle.json(file)
        do throws(RuntimeSpecError) {
            return try RuntimeResources(json: value)
        } catch {
            throw CommandError(error.message)
        }
    }

    private static func addMemory(_ options: Options, _ resources: inout RuntimeResources)
        throws(CommandError)
    {
        var memory = resources.memory ?? RuntimeMemory()
        if let value: Int64 = try options.integer("memory") { memory.limit = value }
        if let value: Int64 = try options.integer("memory-swap") { memory.swap = value }
        if let value: Int64 = try options.integer("memory-reservation") { memory.reservation = value }
        if let value: Int64 = try options.integer("kernel-memory") { memory.kernel = value }
        if let value: Int64 = try options.integer("kernel-memory-tcp") { memory.kernelTCP = value }
        if memory != RuntimeMemory() { resources.memory = memory }
    }

    private static func addCPU(_ options: Options, _ resources: inout RuntimeResources) throws(CommandError) {
        var cpu = resources.cpu ?? RuntimeCPU()
        for name in ["cpu-share", "cpu-shares"] {
            if let value: UInt64 = try options.integer(name) { cpu.shares = value }
        }
        if let value: UInt64 = try options.integer("cpu-period") { cpu.period = value }
        if let value: Int64 = try options.integer("cpu-quota") { cpu.quota = value }
        if let value: UInt64 = try options.integer("cpu-burst") { cpu.burst = value }
        if let value: UInt64 = try options.integer("cpu-rt-period") { cpu.realtimePeriod = value }
        if let value: Int64 = try options.integer("cpu-rt-runtime") { cpu.realtimeRuntime = value }
        if let value: Int64 = try options.integer("cpu-idle") { cpu.idle = value }
        if let value = options["cpuset-cpus"] { cpu.cpus = value }
        if let value = options["cpuset-mems"] { cpu.mems = value }
        if cpu != RuntimeCPU() { resources.cpu = cpu }
    }
}
