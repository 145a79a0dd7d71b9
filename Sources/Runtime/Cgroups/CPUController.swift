import OCIModel

/// Shares and bandwidth of CPU time.
enum CPUController {
    static func concerns(_ cpu: RuntimeCPU) -> Bool {
        cpu.shares != nil || cpu.quota != nil || cpu.period != nil || cpu.burst != nil
            || cpu.realtimeRuntime != nil
            || cpu.realtimePeriod != nil || cpu.idle != nil
    }

    // MARK: Version 1

    static func apply(_ cpu: RuntimeCPU, v1 directory: CgroupDirectory) throws(CgroupError) {
        if let shares = cpu.shares, shares != 0 { try directory.write("cpu.shares", String(shares)) }
        try applyBandwidth(cpu, directory)
        if let burst = cpu.burst { try directory.write("cpu.cfs_burst_us", String(burst)) }
        if let period = cpu.realtimePeriod, period != 0 {
            try directory.write("cpu.rt_period_us", String(period))
        }
        if let runtime = cpu.realtimeRuntime, runtime != 0 {
            try directory.write("cpu.rt_runtime_us", String(runtime))
        }
        if let idle = cpu.idle { try directory.write("cpu.idle", String(idle)) }
    }

    /// The kernel checks quota against period with every write; a period that is refused goes after the quota.
    private static func applyBandwidth(_ cpu: RuntimeCPU, _ directory: CgroupDirectory) throws(CgroupError) {
        let quota = cpu.quota == 0 ? nil : cpu.quota
        var period = cpu.period == 0 ? nil : cpu.period
        if let value = period {
            do throws(CgroupError) {
                try directory.write("cpu.cfs_period_us", String(value))
                period = nil
            } catch  where error.code == .invalidValue && quota != nil {}
        }
        if let quota { try directory.write("cpu.cfs_quota_us", String(quota)) }
        if let period { try directory.write("cpu.cfs_period_us", String(period)) }
    }

    static func readAccounting(v1 directory: CgroupDirectory, into cpu: inout CgroupStatistics.CPU) {
        cpu.usage = directory.number("cpuacct.usage") ?? 0
        cpu.perCPU = ((try? directory.read("cpuacct.usage_percpu")) ?? "").split(separator: " ").compactMap {
            UInt64($0)
        }
        cpu.user = directory.number("cpuacct.usage_user") ?? 0
        cpu.system = directory.number("cpuacct.usage_sys") ?? 0
    }

    static func readThrottling(v1 directory: CgroupDirectory, into cpu: inout CgroupStatistics.CPU) {
        let table = directory.table("cpu.stat")
        cpu.periods = table["nr_periods"] ?? 0
        cpu.throttledPeriods = table["nr_throttled"] ?? 0
        cpu.throttledTime = table["throttled_time"] ?? 0
    }

    // MARK: Version 2

    static func apply(_ cpu: RuntimeCPU, v2 directory: CgroupDirectory) throws(CgroupError) {
        if cpu.realtimeRuntime.map({ $0 != 0 }) == true || cpu.realtimePeriod.map({ $0 != 0 }) == true {
            throw CgroupError(.unsupported, "real-time CPU limits do not exist in control groups version 2")
        }
        if let shares = cpu.shares, shares != 0 {
            try directory.write("cpu.weight", String(weight(shares: shares)))
        }
        if cpu.quota ?? 0 != 0 || cpu.period ?? 0 != 0 {
            try directory.write("cpu.max", maximum(cpu, current: (try? directory.read("cpu.max")) ?? ""))
        }
        if let burst = cpu.burst { try directory.write("cpu.max.burst", String(burst)) }
        if let idle = cpu.idle { try directory.write("cpu.idle", String(idle)) }
    }

    /// 2…262144 to 1…10000, linear, as container runtimes agree.
    static func weight(shares: UInt64) -> UInt64 {
        let clamped = min(max(shares, 2), 262_144)
        return 1 + (clamped - 2) * 9999 / 262_142
    }

    /// `cpu.max`; what is not given stays as in `current`.
    static func maximum(_ cpu: RuntimeCPU, current: String) -> String {
        let fields = current.split(separator: " ").map(String.init)
        var quota = fields.first ?? "max"
        if let value = cpu.quota, value != 0 { quota = value < 0 ? "max" : String(value) }
        var period = fields.count > 1 ? fields[1] : "100000"
        if let value = cpu.period, value != 0 { period = String(value) }
        return "\(quota) \(period)"
    }

    static func read(v2 directory: CgroupDirectory, into cpu: inout CgroupStatistics.CPU) {
        let table = directory.table("cpu.stat")
        func nanoseconds(_ key: String) -> UInt64 {
            (table[key] ?? 0).multipliedReportingOverflow(by: 1000).partialValue
        }
        cpu.usage = nanoseconds("usage_usec")
        cpu.user = nanoseconds("user_usec")
        cpu.system = nanoseconds("system_usec")
        cpu.periods = table["nr_periods"] ?? 0
        cpu.throttledPeriods = table["nr_throttled"] ?? 0
        cpu.throttledTime = nanoseconds("throttled_usec")
    }
}
