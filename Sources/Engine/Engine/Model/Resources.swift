/// Limits and devices of a container. Zero, nil and empty mean "not set", as Docker's `Resources`.
package struct Resources: Sendable, Hashable, Codable {
    /// Bytes.
    package var memory: Int64 = 0
    /// Bytes of memory and swap together; -1 without limit.
    package var memorySwap: Int64 = 0
    package var memoryReservation: Int64 = 0
    package var kernelMemory: Int64 = 0
    /// 0 to 100; nil (and Docker's -1) is the kernel's own.
    package var memorySwappiness: Int64?
    package var oomKillDisable: Bool?
    /// Billionths of a CPU.
    package var nanoCPUs: Int64 = 0
    package var cpuShares: Int64 = 0
    /// Microseconds.
    package var cpuPeriod: Int64 = 0
    /// Microseconds.
    package var cpuQuota: Int64 = 0
    package var cpuRealtimePeriod: Int64 = 0
    package var cpuRealtimeRuntime: Int64 = 0
    package var cpusetCPUs = ""
    package var cpusetMems = ""
    /// nil, 0 and -1 are without limit.
    package var pidsLimit: Int64?
    package var blkioWeight: UInt16 = 0
    package var blkioWeightDevices: [WeightDevice] = []
    package var deviceReadBps: [ThrottleDevice] = []
    package var deviceWriteBps: [ThrottleDevice] = []
    package var deviceReadIOps: [ThrottleDevice] = []
    package var deviceWriteIOps: [ThrottleDevice] = []
    package var devices: [DeviceMapping] = []
    /// As `c 1:3 rwm`.
    package var deviceCgroupRules: [String] = []
    package var ulimits: [Ulimit] = []

    package init() {}
}

package struct WeightDevice: Sendable, Hashable, Codable {
    package var path: String
    package var weight: UInt16

    package init(path: String, weight: UInt16) {
        self.path = path
        self.weight = weight
    }
}

package struct ThrottleDevice: Sendable, Hashable, Codable {
    package var path: String
    /// Bytes or operations per second.
    package var rate: UInt64

    package init(path: String, rate: UInt64) {
        self.path = path
        self.rate = rate
    }
}

package struct DeviceMapping: Sendable, Hashable, Codable {
    package var hostPath: String
    package var containerPath: String
    /// A selection of `rwm`.
    package var permissions: String

    package init(hostPath: String, containerPath: String, permissions: String) {
        self.hostPath = hostPath
        self.containerPath = containerPath
        self.permissions = permissions
    }
}

package struct Ulimit: Sendable, Hashable, Codable {
    /// Without `RLIMIT_`, lower case: `nofile`.
    package var name: String
    package var soft: Int64
    /// -1 is without limit.
    package var hard: Int64

    package init(name: String, soft: Int64, hard: Int64) {
        self.name = name
        self.soft = soft
        self.hard = hard
    }
}
