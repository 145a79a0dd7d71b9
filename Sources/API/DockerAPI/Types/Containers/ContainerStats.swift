/// One element of `GET /containers/{id}/stats`. Bytes and nanoseconds throughout.
package struct ContainerStats: WireType {
    /// RFC 3339; year 1 where there was nothing to measure.
    @Member package var read: String = ""
    /// When `precpu_stats` was measured.
    @Member package var preread: String = ""
    @Member package var pids: PidsStats = PidsStats()
    @Member package var blkio: BlkioStats = BlkioStats()
    @Member package var numProcs: UInt64 = 0
    @Member package var storage: EmptyObject = EmptyObject()
    @Member package var cpu: CPUStats = CPUStats()
    @Member package var precpu: CPUStats = CPUStats()
    @Member package var memory: MemoryStats = MemoryStats()
    /// With a leading slash.
    @OmitEmpty package var name: String = ""
    @OmitEmpty package var id: String = ""
    @OmitEmpty package var networks: [String: InterfaceStats] = [:]

    package init() {}

    enum CodingKeys: String, CodingKey {
        case read
        case preread
        case pids = "pids_stats"
        case blkio = "blkio_stats"
        case numProcs = "num_procs"
        case storage = "storage_stats"
        case cpu = "cpu_stats"
        case precpu = "precpu_stats"
        case memory = "memory_stats"
        case name
        case id
        case networks
    }
}

package struct PidsStats: WireType {
    @OmitEmpty package var current: UInt64 = 0
    @OmitEmpty package var limit: UInt64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey { case current, limit }
}

package struct BlkioStats: WireType {
    @Nullable package var serviceBytes: [BlkioEntry]?
    @Nullable package var serviced: [BlkioEntry]?
    @Nullable package var queue: [BlkioEntry]?
    @Nullable package var serviceTime: [BlkioEntry]?
    @Nullable package var waitTime: [BlkioEntry]?
    @Nullable package var merged: [BlkioEntry]?
    @Nullable package var time: [BlkioEntry]?
    @Nullable package var sectors: [BlkioEntry]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case serviceBytes = "io_service_bytes_recursive"
        case serviced = "io_serviced_recursive"
        case queue = "io_queue_recursive"
        case serviceTime = "io_service_time_recursive"
        case waitTime = "io_wait_time_recursive"
        case merged = "io_merged_recursive"
        case time = "io_time_recursive"
        case sectors = "sectors_recursive"
    }
}

package struct BlkioEntry: WireType {
    @Member package var major: UInt64 = 0
    @Member package var minor: UInt64 = 0
    @Member package var operation: String = ""
    @Member package var value: UInt64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case major
        case minor
        case operation = "op"
        case value
    }
}

package struct CPUStats: WireType {
    @Member package var usage: CPUUsage = CPUUsage()
    @OmitEmpty package var systemUsage: UInt64 = 0
    @OmitEmpty package var onlineCPUs: UInt32 = 0
    @Member package var throttling: ThrottlingData = ThrottlingData()

    package init() {}

    enum CodingKeys: String, CodingKey {
        case usage = "cpu_usage"
        case systemUsage = "system_cpu_usage"
        case onlineCPUs = "online_cpus"
        case throttling = "throttling_data"
    }
}

package struct CPUUsage: WireType {
    @Member package var total: UInt64 = 0
    /// Control groups version 1 only.
    @OmitEmpty package var perCPU: [UInt64] = []
    @Member package var kernel: UInt64 = 0
    @Member package var user: UInt64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case total = "total_usage"
        case perCPU = "percpu_usage"
        case kernel = "usage_in_kernelmode"
        case user = "usage_in_usermode"
    }
}

package struct ThrottlingData: WireType {
    @Member package var periods: UInt64 = 0
    @Member package var throttledPeriods: UInt64 = 0
    @Member package var throttledTime: UInt64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case periods
        case throttledPeriods = "throttled_periods"
        case throttledTime = "throttled_time"
    }
}

package struct MemoryStats: WireType {
    @OmitEmpty package var usage: UInt64 = 0
    /// Control groups version 1 only.
    @OmitEmpty package var maxUsage: UInt64 = 0
    /// The kernel's `memory.stat`.
    @OmitEmpty package var stats: [String: UInt64] = [:]
    @OmitEmpty package var failures: UInt64 = 0
    /// Without a limit, the machine's memory.
    @OmitEmpty package var limit: UInt64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case usage
        case maxUsage = "max_usage"
        case stats
        case failures = "failcnt"
        case limit
    }
}

package struct InterfaceStats: WireType {
    @Member package var receivedBytes: UInt64 = 0
    @Member package var receivedPackets: UInt64 = 0
    @Member package var receiveErrors: UInt64 = 0
    @Member package var receiveDropped: UInt64 = 0
    @Member package var sentBytes: UInt64 = 0
    @Member package var sentPackets: UInt64 = 0
    @Member package var sendErrors: UInt64 = 0
    @Member package var sendDropped: UInt64 = 0

    package init() {}

    enum CodingKeys: String, CodingKey {
        case receivedBytes = "rx_bytes"
        case receivedPackets = "rx_packets"
        case receiveErrors = "rx_errors"
        case receiveDropped = "rx_dropped"
        case sentBytes = "tx_bytes"
        case sentPackets = "tx_packets"
        case sendErrors = "tx_errors"
        case sendDropped = "tx_dropped"
    }
}
