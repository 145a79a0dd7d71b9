import Cgroups
import Glibc
import LinuxKernel

/// What this host's kernel can do for containers; found out once, when the engine opens.
package struct HostFeatures: Sendable, Equatable {
    package var cgroupVersion = 1
    package var memoryLimit = true
    package var swapLimit = true
    package var memoryReservation = true
    package var memorySwappiness = true
    package var oomKillDisable = true
    package var kernelMemory = false
    package var cpuShares = true
    package var cpuQuota = true
    package var cpuRealtime = false
    package var cpuset = true
    package var pidsLimit = true
    package var blkioWeight = true
    package var blkioThrottle = true
    package var hugepages = false
    /// The profile of containers that name none; empty where they run without.
    package var apparmorProfile = ""
    package var hasSeccomp = true
    package var ipv4Forwarding = true
    package var bridgeNetfilterIPv4 = false
    package var bridgeNetfilterIPv6 = false
    package var processors = 1
    /// Lists as the kernel writes them: `0-1`.
    package var availableCPUs = "0"
    package var availableMems = "0"
    /// Numbers of the capabilities that this process may give, and the last one the kernel knows.
    package var boundingCapabilities: UInt64 = .max
    package var lastCapability = 40

    package init() {}
}

extension HostFeatures {
    /// Looks at the machine. Blocks for a few file reads.
    static func discover(_ cgroups: CgroupHost) -> HostFeatures {
        var features = HostFeatures()
        features.cgroupVersion = cgroups.version == .v1 ? 1 : 2
        switch cgroups.version {
        case .v1: features.readVersion1(cgroups.mounts)
        case .v2: features.readVersion2(cgroups.mounts[""] ?? "/sys/fs/cgroup")
        }
        features.processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        features.ipv4Forwarding = line("/proc/sys/net/ipv4/ip_forward") == "1"
        features.bridgeNetfilterIPv4 = line("/proc/sys/net/bridge/bridge-nf-call-iptables") == "1"
        features.bridgeNetfilterIPv6 = line("/proc/sys/net/bridge/bridge-nf-call-ip6tables") == "1"
        features.lastCapability = line("/proc/sys/kernel/cap_last_cap").flatMap { Int($0) } ?? 40
        features.boundingCapabilities = statusField("CapBnd").flatMap { UInt64($0, radix: 16) } ?? .max
        features.hasSeccomp = statusField("Seccomp") != nil
        return features
    }

    private mutating func readVersion1(_ mounts: [String: String]) {
        func has(_ controller: String, _ file: String) -> Bool {
            mounts[controller].map { fileExists("\($0)/\(file)") } ?? false
        }
        memoryLimit = has("memory", "memory.limit_in_bytes")
        swapLimit = has("memory", "memory.memsw.limit_in_bytes")
        memoryReservation = has("memory", "memory.soft_limit_in_bytes")
        memorySwappiness = has("memory", "memory.swappiness")
        oomKillDisable = has("memory", "memory.oom_control")
        kernelMemory = has("memory", "memory.kmem.limit_in_bytes")
        cpuShares = has("cpu", "cpu.shares")
        cpuQuota = has("cpu", "cpu.cfs_quota_us")
        cpuRealtime = has("cpu", "cpu.rt_runtime_us")
        cpuset = mounts["cpuset"] != nil
        pidsLimit = mounts["pids"] != nil
        blkioWeight = has("blkio", "blkio.weight") || has("blkio", "blkio.bfq.weight")
        blkioThrottle = has("blkio", "blkio.throttle.read_bps_device")
        hugepages = mounts["hugetlb"] != nil
        let root = mounts["cpuset"] ?? ""
        availableCPUs = Self.line("\(root)/cpuset.effective_cpus") ?? Self.line("\(root)/cpuset.cpus") ?? "0"
        availableMems = Self.line("\(root)/cpuset.effective_mems") ?? Self.line("\(root)/cpuset.mems") ?? "0"
    }

    private mutating func readVersion2(_ mount: String) {
        let controllers = Set(
            (Self.line("\(mount)/cgroup.controllers") ?? "").split(separator: " ").map(String.init))
        memoryLimit = controllers.contains("memory")
        swapLimit = memoryLimit && !(Self.line("/proc/swaps") ?? "").isEmpty
        memoryReservation = memoryLimit
        memorySwappiness = false
        oomKillDisable = false
        cpuShares = controllers.contains("cpu")
        cpuQuota = cpuShares
        cpuset = controllers.contains("cpuset")
        pidsLimit = controllers.contains("pids")
        blkioWeight = controllers.contains("io")
        blkioThrottle = blkioWeight
        hugepages = controllers.contains("hugetlb")
        availableCPUs = Self.line("\(mount)/cpuset.cpus.effective") ?? "0"
        availableMems = Self.line("\(mount)/cpuset.mems.effective") ?? "0"
    }

    /// The first line of a file; nil where it cannot be read.
    static func line(_ path: String) -> String? {
        guard let bytes = try? readFile(path, limit: 1 << 20) else { return nil }
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }

    private static func statusField(_ name: String) -> String? {
        guard let bytes = try? readFile("/proc/self/status", limit: 1 << 20) else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix(name + ":")
        }
        return line.map { String($0.dropFirst(name.utf8.count + 1).drop { $0 == "\t" || $0 == " " }) }
    }
}
