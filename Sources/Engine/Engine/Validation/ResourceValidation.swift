extension Resources {
    /// Docker's smallest memory limit.
    private static let memoryMinimum: Int64 = 6 << 20

    /// Checks the limits, fills in what follows from others, and takes out what this kernel cannot do.
    /// - Parameter isUpdate: whether these are changes to limits that there are: what is missing stays as it is
    /// - Returns: a warning in Docker's words for each limit that was taken out
    mutating func validate(_ features: HostFeatures, isUpdate: Bool = false) throws(EngineError) -> [String] {
        var warnings: [String] = []
        try validateMemory(features, isUpdate, &warnings)
        try validateCPU(features, &warnings)
        try validateCpuset(features, &warnings)
        try validateBlockIO(features, &warnings)
        if let limit = pidsLimit, limit > 0, !features.pidsLimit {
            warnings.append(
                "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded."
            )
            pidsLimit = nil
        }
        for limit in ulimits {
            guard RlimitName.isKnown(limit.name) else { throw .invalid("invalid ulimit type: \(limit.name)") }
            guard limit.hard == -1 || (limit.soft != -1 && limit.soft <= limit.hard) else {
                throw .invalid(
                    "ulimit soft limit must be less than or equal to hard limit: \(limit.soft) > \(limit.hard)"
                )
            }
        }
        return warnings
    }

    private mutating func validateMemory(
        _ features: HostFeatures, _ isUpdate: Bool, _ warnings: inout [String]
    ) throws(EngineError) {
        let missing = "or the cgroup is not mounted."
        guard memory >= 0, memory == 0 || memory >= Self.memoryMinimum else {
            throw .invalid("Minimum memory limit allowed is 6MB")
        }
        if memory > 0, !features.memoryLimit {
            warnings.append(
                "Your kernel does not support memory limit capabilities \(missing) Limitation discarded.")
            memory = 0
            memorySwap = -1
        }
        if memory > 0, memorySwap != -1, !features.swapLimit {
            warnings.append(
                "Your kernel does not support swap limit capabilities \(missing) Memory limited without swap."
            )
            memorySwap = -1
        }
        if memory > 0, memorySwap > 0, memorySwap < memory {
            throw .invalid("Minimum memoryswap limit should be larger than memory limit, see usage")
        }
        if memory == 0, memorySwap > 0, !isUpdate {
            throw .invalid("You should always set the Memory limit when using Memoryswap limit, see usage")
        }
        if memory > 0, memorySwap == 0, !isUpdate { memorySwap = memory > .max / 2 ? .max : memory * 2 }
        try validateSwappiness(features, &warnings)
        guard memoryReservation >= 0, memoryReservation == 0 || memoryReservation >= Self.memoryMinimum else {
            throw .invalid("Minimum memory reservation allowed is 6MB")
        }
        if memoryReservation > 0, !features.memoryReservation {
            warnings.append(
                "Your kernel does not support memory soft limit capabilities \(missing) Limitation discarded."
            )
            memoryReservation = 0
        }
        if memory > 0, memory < memoryReservation {
            throw .invalid("Minimum memory limit can not be less than memory reservation limit, see usage")
        }
        if kernelMemory > 0, !features.kernelMemory {
            warnings.append(
                "Your kernel does not support kernel memory limit capabilities \(missing) Limitation discarded."
            )
            kernelMemory = 0
        }
    }

    private mutating func validateSwappiness(
        _ features: HostFeatures, _ warnings: inout [String]
    ) throws(EngineError) {
        if memorySwappiness == -1 { memorySwappiness = nil }
        if let value = memorySwappiness {
            guard (0...100).contains(value) else {
                throw .invalid("Invalid value: \(value), valid memory swappiness range is 0-100")
            }
            if !features.memorySwappiness {
                warnings.append(
                    "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. "
                        + "Memory swappiness discarded.")
                memorySwappiness = nil
            }
        }
        if oomKillDisable == true, !features.oomKillDisable {
            warnings.append("Your kernel does not support OomKillDisable. OomKillDisable discarded.")
            oomKillDisable = nil
        }
        if oomKillDisable == true, memory == 0 {
            warnings.append(
                "OOM killer is disabled for the container, but no memory limit is set, this can result in the system "
                    + "running out of resources.")
        }
    }

    private mutating func validateCPU(_ features: HostFeatures, _ warnings: inout [String])
        throws(EngineError)
    {
        if nanoCPUs != 0 {
            guard cpuPeriod == 0 else {
                throw .invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set")
            }
            guard cpuQuota == 0 else {
                throw .invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set")
            }
            guard features.cpuQuota else {
                throw .invalid(
                    "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not "
                        + "mounted")
            }
            guard nanoCPUs > 0, nanoCPUs <= Int64(features.processors) * 1_000_000_000 else {
                throw .invalid(
                    "range of CPUs is from 0.01 to \(features.processors).00, as there are only "
                        + "\(features.processors) CPUs available")
            }
        }
        guard cpuShares >= 0 else {
            throw .invalid("invalid CPU shares (\(cpuShares)): value must be a positive integer")
        }
        if cpuShares > 0, !features.cpuShares {
            warnings.append(
                "Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.")
            cpuShares = 0
        }
        guard cpuPeriod == 0 || (1000...1_000_000).contains(cpuPeriod) else {
            throw .invalid(
                "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)")
        }
        guard cpuQuota <= 0 || cpuQuota >= 1000 else {
            throw .invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)")
        }
        if cpuPeriod != 0 || cpuQuota > 0, !features.cpuQuota {
            warnings.append(
                "Your kernel does not support CPU CFS scheduler or the cgroup is not mounted. Quota discarded."
            )
            cpuPeriod = 0
            cpuQuota = 0
        }
        if cpuRealtimePeriod != 0 || cpuRealtimeRuntime != 0, !features.cpuRealtime {
            throw .invalid("Your kernel does not support CPU real-time scheduler")
        }
    }

    private mutating func validateCpuset(_ features: HostFeatures, _ warnings: inout [String])
        throws(EngineError)
    {
        if !(cpusetCPUs.isEmpty && cpusetMems.isEmpty), !features.cpuset {
            warnings.append(
                "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.")
            cpusetCPUs = ""
            cpusetMems = ""
        }
        guard let cpus = NumberList(cpusetCPUs) else {
            throw .invalid("Invalid value \(cpusetCPUs) for cpuset cpus")
        }
        guard let mems = NumberList(cpusetMems) else {
            throw .invalid("Invalid value \(cpusetMems) for cpuset mems")
        }
        if let available = NumberList(features.availableCPUs), !cpus.isSubset(of: available) {
            throw .invalid(
                "Requested CPUs are not available - requested \(cpusetCPUs), available: \(features.availableCPUs)"
            )
        }
        if let available = NumberList(features.availableMems), !mems.isSubset(of: available) {
            throw .invalid(
                "Requested memory nodes are not available - requested \(cpusetMems), available: "
                    + features.availableMems)
        }
    }

    private mutating func validateBlockIO(_ features: HostFeatures, _ warnings: inout [String])
        throws(EngineError)
    {
        guard blkioWeight == 0 || (10...1000).contains(blkioWeight) else {
            throw .invalid("Range of blkio weight is from 10 to 1000")
        }
        if blkioWeight > 0 || !blkioWeightDevices.isEmpty, !features.blkioWeight {
            warnings.append(
                "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded."
            )
            blkioWeight = 0
            blkioWeightDevices = []
        }
        for device in blkioWeightDevices where !(10...1000).contains(device.weight) {
            throw .invalid("Range of blkio weight is from 10 to 1000")
        }
        guard !features.blkioThrottle else { return }
        let lists: [(String, WritableKeyPath<Resources, [ThrottleDevice]>)] = [
            ("BPS Block I/O read", \.deviceReadBps), ("BPS Block I/O write", \.deviceWriteBps),
            ("IOPS Block read", \.deviceReadIOps), ("IOPS Block write", \.deviceWriteIOps),
        ]
        for (name, path) in lists where !self[keyPath: path].isEmpty {
            warnings.append(
                "Your kernel does not support \(name) limit or the cgroup is not mounted. \(name) limit discarded."
            )
            self[keyPath: path] = []
        }
    }
}

/// A list of numbers and ranges as `0-3,7`.
struct NumberList: Equatable {
    let numbers: Set<Int>

    /// Nil where the text is no such list; empty text is the empty list.
    init?(_ text: String) {
        var numbers: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: !text.contains(",")) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
                first >= 0,
                first <= last, last < 8192
            else { return nil }
            numbers.formUnion(first...last)
        }
        self.numbers = numbers
    }

    func isSubset(of other: NumberList) -> Bool { numbers.isSubset(of: other.numbers) }
}

/// The limits of setrlimit(2) under Docker's names.
enum RlimitName {
    private static let known: Set<String> = [
        "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc",
        "rss",
        "rtprio", "rttime", "sigpending", "stack",
    ]

    static func isKnown(_ name: String) -> Bool { known.contains(name) }

    /// `nofile` → `RLIMIT_NOFILE`.
    static func specification(_ name: String) -> String { "RLIMIT_" + name.uppercased() }
}
