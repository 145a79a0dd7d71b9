import OCIModel

/// Limits as properties of a unit (org.freedesktop.systemd1(5), systemd.resource-control(5)). systemd writes the values
/// it knows again whenever it likes (`daemon-reload`), so what is only in the control files would not last.
///
/// Not among them, because systemd leaves alone what it was not told: rates of block devices, devices, huge pages.
enum UnitProperties {
    typealias Property = (name: String, value: DBusValue)

    private static let infinity = UInt64.max

    /// Of a new scope, besides its limits.
    /// - Parameter process: the one that makes the scope; systemd moves it there
    static func scope(_ unit: SystemdUnit, process: Int32) -> [Property] {
        [
            ("Description", .string("container \(unit.name)")), ("Slice", .string(unit.slice)),
            ("PIDs", .array(of: "u", [.uint32(UInt32(bitPattern: process))])), ("Delegate", .boolean(true)),
            ("DefaultDependencies", .boolean(false)),
            // A scope that failed (the OOM killer) must not keep its name from the container's next start.
            ("CollectMode", .string("inactive-or-failed")),
            ("MemoryAccounting", .boolean(true)), ("CPUAccounting", .boolean(true)),
            ("IOAccounting", .boolean(true)), ("TasksAccounting", .boolean(true)),
            // Else systemd's own default limit (15 % of all tasks) would hold.
            ("TasksMax", .uint64(infinity)),
        ]
    }

    /// - Throws: `.invalidValue` for values that contradict each other
    static func limits(_ resources: RuntimeResources) throws(CgroupError) -> [Property] {
        var result: [Property] = []
        if let memory = resources.memory { result += try limits(memory) }
        if let cpu = resources.cpu { result += try limits(cpu) }
        if let limit = resources.pidsLimit {
            result.append(("TasksMax", .uint64(limit > 0 ? UInt64(limit) : infinity)))
        }
        if let weight = resources.blockIO?.weight, weight != 0 {
            result.append(("IOWeight", .uint64(BlockIOController.ioWeight(weight))))
        }
        return result
    }

    private static func limits(_ memory: RuntimeMemory) throws(CgroupError) -> [Property] {
        var result: [Property] = []
        func size(_ value: Int64) -> DBusValue { .uint64(value < 0 ? infinity : UInt64(value)) }
        if let limit = memory.limit, limit != 0 { result.append(("MemoryMax", size(limit))) }
        if let reservation = memory.reservation, reservation != 0 {
            result.append(("MemoryLow", size(reservation)))
        }
        if let swap = try MemoryController.swapLimit(memory) {
            result.append(("MemorySwapMax", .uint64(UInt64(swap) ?? infinity)))
        }
        return result
    }

    private static func limits(_ cpu: RuntimeCPU) throws(CgroupError) -> [Property] {
        var result: [Property] = []
        if let shares = cpu.shares, shares != 0 {
            result.append(("CPUWeight", .uint64(CPUController.weight(shares: shares))))
        }
        let period = cpu.period ?? 0
        if period != 0 { result.append(("CPUQuotaPeriodUSec", .uint64(period))) }
        if let quota = cpu.quota, quota != 0 {
            result.append(
                ("CPUQuotaPerSecUSec", .uint64(quotaPerSecond(quota, period: period == 0 ? 100_000 : period)))
            )
        }
        if let cpus = cpu.cpus, !cpus.isEmpty { result.append(("AllowedCPUs", try mask(cpus))) }
        if let mems = cpu.mems, !mems.isEmpty { result.append(("AllowedMemoryNodes", try mask(mems))) }
        return result
    }

    /// Microseconds of CPU time a second; systemd takes whole hundredths of a processor, so more rather than less.
    static func quotaPerSecond(_ quota: Int64, period: UInt64) -> UInt64 {
        guard quota > 0 else { return infinity }
        let (product, overflow) = UInt64(quota).multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return infinity }
        let exact = product / period
        let (rounded, tooLarge) = exact.addingReportingOverflow(9999)
        return tooLarge ? infinity : rounded / 10_000 * 10_000
    }

    /// A list such as `0-2,7` as bits, the lowest first.
    static func mask(_ list: String) throws(CgroupError) -> DBusValue {
        var bytes: [UInt8] = []
        for range in list.split(separator: ",") {
            let ends = range.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
            guard let low = ends.first ?? nil, let high = ends.last ?? nil, ends.count <= 2, low <= high,
                high < 8192
            else { throw CgroupError(.invalidValue, "cannot read the list \(list)") }
            for number in low...high {
                let place = Int(number) / 8
                while bytes.count <= place { bytes.append(0) }
                bytes[place] |= 1 << (number % 8)
            }
        }
        return .bytes(bytes)
    }
}
