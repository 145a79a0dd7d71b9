import OCIModel

/// Limits and use of memory.
enum MemoryController {
    // MARK: Version 1

    static func apply(_ memory: RuntimeMemory, v1 directory: CgroupDirectory) throws(CgroupError) {
        try applyLimits(memory, directory)
        if let reservation = memory.reservation {
            try directory.write("memory.soft_limit_in_bytes", String(reservation))
        }
        if let kernel = memory.kernel { try directory.write("memory.kmem.limit_in_bytes", String(kernel)) }
        if let kernelTCP = memory.kernelTCP {
            try directory.write("memory.kmem.tcp.limit_in_bytes", String(kernelTCP))
        }
        if let swappiness = memory.swappiness {
            guard swappiness <= 100 else {
                throw CgroupError(.invalidValue, "memory swappiness \(swappiness): must be from 0 to 100")
            }
            try directory.write("memory.swappiness", String(swappiness))
        }
        if let disabled = memory.disableOOMKiller, disabled {
            try directory.write("memory.oom_control", "1")
        }
    }

    /// The kernel wants memory ≤ memory+swap at every moment, so the order depends on where the limits go.
    private static func applyLimits(_ memory: RuntimeMemory, _ directory: CgroupDirectory) throws(CgroupError)
    {
        var swap = memory.swap == 0 ? nil : memory.swap
        let limit = memory.limit == 0 ? nil : memory.limit
        if limit == -1, swap == nil, directory.has("memory.memsw.limit_in_bytes") { swap = -1 }
        guard let limit else {
            if let swap { try directory.write("memory.memsw.limit_in_bytes", String(swap)) }
            return
        }
        guard let swap else { return try setLimit(limit, directory) }
        if swap == -1 || swap >= Int64(clamping: directory.number("memory.memsw.limit_in_bytes") ?? 0) {
            try directory.write("memory.memsw.limit_in_bytes", String(swap))
            try setLimit(limit, directory)
        } else {
            try setLimit(limit, directory)
            try directory.write("memory.memsw.limit_in_bytes", String(swap))
        }
    }

    private static func setLimit(_ limit: Int64, _ directory: CgroupDirectory) throws(CgroupError) {
        do throws(CgroupError) {
            try directory.write("memory.limit_in_bytes", String(limit))
        } catch  where error.code == .busy {
            throw CgroupError(
                .busy,
                "cannot set the memory limit to \(limit) bytes: more is in use "
                    + "(\(directory.number("memory.usage_in_bytes") ?? 0) bytes)", cause: error.cause)
        }
    }

    static func read(v1 directory: CgroupDirectory, into memory: inout CgroupStatistics.Memory) {
        memory.usage = directory.number("memory.usage_in_bytes") ?? 0
        memory.maximumUsage = directory.number("memory.max_usage_in_bytes") ?? 0
        memory.failures = directory.number("memory.failcnt") ?? 0
        // "No limit" is the largest whole number of pages.
        memory.limit = directory.number("memory.limit_in_bytes").flatMap {
            $0 >= 0x7FFF_FFFF_FFFF_0000 ? nil : $0
        }
        memory.details = directory.table("memory.stat")
    }

    // MARK: Version 2

    static func apply(_ memory: RuntimeMemory, v2 directory: CgroupDirectory) throws(CgroupError) {
        if memory.kernel.map({ $0 > 0 }) == true || memory.kernelTCP.map({ $0 > 0 }) == true {
            throw CgroupError(
                .unsupported, "limits of kernel memory do not exist in control groups version 2")
        }
        if memory.disableOOMKiller == true {
            throw CgroupError(.unsupported, "the OOM killer cannot be disabled in control groups version 2")
        }
        if memory.swappiness != nil {
            throw CgroupError(
                .unsupported, "swappiness by container does not exist in control groups version 2")
        }
        // Limits are taken away before they are lowered below what the other one needs; both orders are valid here.
        if let swap = try swapLimit(memory), directory.has("memory.swap.max") || swap != "max" {
            try directory.write("memory.swap.max", swap)
        }
        if let limit = memory.limit, limit != 0 { try directory.write("memory.max", text(limit)) }
        if let reservation = memory.reservation, reservation != 0 {
            try directory.write("memory.low", text(reservation))
        }
    }

    /// Version 2 counts swap alone, the specification memory and swap together.
    static func swapLimit(_ memory: RuntimeMemory) throws(CgroupError) -> String? {
        guard let swap = memory.swap, swap != 0 else { return memory.limit == -1 ? "max" : nil }
        if swap == -1 { return "max" }
        guard let limit = memory.limit, limit > 0 else {
            throw CgroupError(
                .invalidValue, "a limit of memory and swap (\(swap)) needs a memory limit beside it")
        }
        guard swap >= limit else {
            throw CgroupError(
                .invalidValue, "memory and swap (\(swap)) must not be less than memory (\(limit))")
        }
        return String(swap - limit)
    }

    private static func text(_ value: Int64) -> String { value < 0 ? "max" : String(value) }

    static func read(v2 directory: CgroupDirectory, into memory: inout CgroupStatistics.Memory) {
        memory.usage = directory.number("memory.current") ?? 0
        memory.maximumUsage = directory.number("memory.peak") ?? 0
        memory.limit = directory.number("memory.max")
        memory.details = directory.table("memory.stat")
        memory.failures = directory.table("memory.events")["max"] ?? 0
    }
}
