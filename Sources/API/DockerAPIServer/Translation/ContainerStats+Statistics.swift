import Cgroups
import DockerAPI
import Engine
import OCIModel

extension ContainerStats {
    /// - Parameter before: an earlier sample of the same container, to compute shares with
    init(_ statistics: ContainerStatistics, before: StatisticsSample?) {
        self.init()
        name = "/" + statistics.name
        id = statistics.id
        (read, preread) = (Timestamp.zero.description, Timestamp.zero.description)
        guard let sample = statistics.sample else { return }
        read = sample.time.description
        pids.current = sample.group.pids.current
        pids.limit = sample.group.pids.limit ?? 0
        blkio = BlkioStats(sample.group.blockIO)
        cpu = CPUStats(sample)
        if let before {
            preread = before.time.description
            precpu = CPUStats(before)
        }
        memory = MemoryStats(sample.group.memory, machine: sample.machineMemory)
        for interface in sample.interfaces { networks[interface.name] = InterfaceStats(interface) }
    }
}

extension BlkioStats {
    fileprivate init(_ usage: CgroupStatistics.BlockIO) {
        self.init()
        serviceBytes = usage.serviceBytes.map(BlkioEntry.init)
        serviced = usage.serviced.map(BlkioEntry.init)
        (queue, serviceTime, waitTime, merged, time, sectors) = ([], [], [], [], [], [])
    }
}

extension BlkioEntry {
    fileprivate init(_ entry: CgroupStatistics.BlockIO.Entry) {
        self.init()
        (major, minor, operation, value) = (entry.major, entry.minor, entry.operation, entry.value)
    }
}

extension CPUStats {
    fileprivate init(_ sample: StatisticsSample) {
        self.init()
        let used = sample.group.cpu
        (usage.total, usage.perCPU) = (used.usage, used.perCPU)
        (usage.kernel, usage.user) = (used.system, used.user)
        systemUsage = sample.systemTime
        onlineCPUs = UInt32(clamping: sample.processors)
        throttling.periods = used.periods
        throttling.throttledPeriods = used.throttledPeriods
        throttling.throttledTime = used.throttledTime
    }
}

extension MemoryStats {
    fileprivate init(_ used: CgroupStatistics.Memory, machine: UInt64) {
        self.init()
        (usage, maxUsage, stats) = (used.usage, used.maximumUsage, used.details)
        failures = used.failures
        limit = min(used.limit ?? machine, machine)
    }
}

extension InterfaceStats {
    fileprivate init(_ interface: InterfaceStatistics) {
        self.init()
        (receivedBytes, receivedPackets) = (interface.receivedBytes, interface.receivedPackets)
        (receiveErrors, receiveDropped) = (interface.receiveErrors, interface.receiveDropped)
        (sentBytes, sentPackets) = (interface.sentBytes, interface.sentPackets)
        (sendErrors, sendDropped) = (interface.sendErrors, interface.sendDropped)
    }
}
