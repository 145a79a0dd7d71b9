/// The flags of `run` and `create` for limits, devices, logs and health checks.
enum ResourceFlags {
    // MARK: Memory and processors
    static let memory = Flag("memory", "m", .bytes, "Limit of memory")
    static let memoryReservation = Flag("memory-reservation", .bytes, "Soft limit of memory")
    static let memorySwap = Flag(
        "memory-swap", .string, "Limit of memory and swap together; -1 for unlimited swap",
        check: FlagCheck.memorySwap)
    static let memorySwappiness = Flag(
        "memory-swappiness", .int64, "How readily memory is swapped (0 to 100)", initial: "-1")
    static let kernelMemory = Flag("kernel-memory", .bytes, "Limit of kernel memory", hidden: true)
    static let oomKillDisable = Flag(
        "oom-kill-disable", .bool, "Keep the kernel from killing when memory runs out")
    static let oomScoreAdj = Flag("oom-score-adj", .int, "Preference of the kernel's killer (-1000 to 1000)")
    static let cpus = Flag("cpus", .decimal, "Number of processors, such as 1.5")
    static let cpuShares = Flag("cpu-shares", "c", .int64, "Weight against other containers' processor time")
    static let cpuPeriod = Flag("cpu-period", .int64, "Period of the processor limit in microseconds")
    static let cpuQuota = Flag("cpu-quota", .int64, "Processor time per period in microseconds")
    static let cpuRealtimePeriod = Flag("cpu-rt-period", .int64, "Real-time period in microseconds")
    static let cpuRealtimeRuntime = Flag("cpu-rt-runtime", .int64, "Real-time processor time in microseconds")
    static let cpusetCPUs = Flag("cpuset-cpus", .string, "Processors to run on (0-3, 0,1)")
    static let cpusetMemory = Flag("cpuset-mems", .string, "Memory nodes to use (0-3, 0,1)")
    static let cpuCount = Flag("cpu-count", .int64, "Number of processors (Windows only)")
    static let cpuPercent = Flag("cpu-percent", .int64, "Share of the processors (Windows only)")
    static let pidsLimit = Flag("pids-limit", .int64, "Limit of processes and threads; -1 for none")
    static let ulimit = Flag("ulimit", .ulimit, "Resource limit of the processes", check: FlagCheck.ulimit)

    // MARK: Devices
    static let blkioWeight = Flag(
        "blkio-weight", .uint16, "Weight against other containers' block I/O (10 to 1000); 0 turns it off")
    static let blkioWeightDevice = Flag(
        "blkio-weight-device", .list, "Weight of block I/O for one device", check: FlagCheck.weightDevice)
    static let deviceReadBps = Flag(
        "device-read-bps", .list, "Limit of bytes read a second from a device", check: FlagCheck.byteRate)
    static let deviceWriteBps = Flag(
        "device-write-bps", .list, "Limit of bytes written a second to a device", check: FlagCheck.byteRate)
    static let deviceReadIOps = Flag(
        "device-read-iops", .list, "Limit of reads a second from a device", check: FlagCheck.operationRate)
    static let deviceWriteIOps = Flag(
        "device-write-iops", .list, "Limit of writes a second to a device", check: FlagCheck.operationRate)
    static let device = Flag(
        "device", .list, "Give the container a device of the host")
    static let deviceCgroupRule = Flag(
        "device-cgroup-rule", .list, "Add a rule to the list of allowed devices", check: FlagCheck.deviceRule)
    static let gpus = Flag("gpus", .gpuRequest, "Give the container GPUs ('all' for every one)")
    static let ioMaxBandwidth = Flag("io-maxbandwidth", .bytes, "Limit of bytes a second (Windows only)")
    static let ioMaxOperations = Flag("io-maxiops", .uint64, "Limit of operations a second (Windows only)")

    // MARK: Logs and health
    static let logDriver = Flag("log-driver", .string, "Driver of the container's log")
    static let logOption = Flag("log-opt", .list, "Option of the log driver")
    static let healthCommand = Flag("health-cmd", .string, "Command that checks the container's health")
    static let healthInterval = Flag("health-interval", .duration, "Time between checks (ms|s|m|h)")
    static let healthRetries = Flag(
        "health-retries", .int, "Failures in a row that make the container unhealthy")
    static let healthTimeout = Flag(
        "health-timeout", .duration, "Longest time that a check may take (ms|s|m|h)")
    static let healthStartPeriod = Flag(
        "health-start-period", .duration, "Time to start before failures count (ms|s|m|h)")
    static let healthStartInterval = Flag(
        "health-start-interval", .duration, "Time between checks during the start (ms|s|m|h)")
    static let noHealthcheck = Flag("no-healthcheck", .bool, "Turn the image's health check off")

    static let all = processing + devices + recording

    private static let processing = [
        memory, memoryReservation, memorySwap, memorySwappiness, kernelMemory, oomKillDisable, oomScoreAdj,
        cpus,
        cpuShares, cpuPeriod, cpuQuota, cpuRealtimePeriod, cpuRealtimeRuntime, cpusetCPUs, cpusetMemory,
        cpuCount,
        cpuPercent, pidsLimit, ulimit,
    ]
    private static let devices = [
        blkioWeight, blkioWeightDevice, deviceReadBps, deviceWriteBps, deviceReadIOps, deviceWriteIOps,
        device,
        deviceCgroupRule, gpus, ioMaxBandwidth, ioMaxOperations,
    ]
    private static let recording = [
        logDriver, logOption, healthCommand, healthInterval, healthRetries, healthTimeout, healthStartPeriod,
        healthStartInterval, noHealthcheck,
    ]
}
