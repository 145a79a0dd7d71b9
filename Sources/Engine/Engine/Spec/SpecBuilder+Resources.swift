import OCIModel

extension SpecBuilder {
    func resources(_ rules: [RuntimeDeviceRule]) throws(EngineError) -> RuntimeResources {
        let limits = spec.resources
        var result = RuntimeResources()
        result.devices = rules
        result.memory = memory(limits)
        result.cpu = cpu(limits)
        if let pids = limits.pidsLimit, pids > 0 { result.pidsLimit = pids }
        result.blockIO = try blockIO(limits)
        return result
    }

    private func memory(_ limits: Resources) -> RuntimeMemory? {
        var memory = RuntimeMemory()
        if limits.memory > 0 { memory.limit = limits.memory }
        if limits.memoryReservation > 0 { memory.reservation = limits.memoryReservation }
        if limits.memorySwap != 0 { memory.swap = limits.memorySwap }
        if limits.kernelMemory > 0 { memory.kernel = limits.kernelMemory }
        memory.swappiness = limits.memorySwappiness.flatMap { UInt64(exactly: $0) }
        if limits.oomKillDisable == true { memory.disableOOMKiller = true }
        return memory == RuntimeMemory() ? nil : memory
    }

    private func cpu(_ limits: Resources) -> RuntimeCPU? {
        var cpu = RuntimeCPU()
        if limits.cpuShares > 0 { cpu.shares = UInt64(limits.cpuShares) }
        if limits.nanoCPUs > 0 {
            cpu.period = 100_000
            cpu.quota = max(1000, limits.nanoCPUs / 10_000)
        }
        if limits.cpuPeriod != 0 { cpu.period = UInt64(limits.cpuPeriod) }
        if limits.cpuQuota != 0 { cpu.quota = limits.cpuQuota }
        if limits.cpuRealtimePeriod != 0 { cpu.realtimePeriod = UInt64(limits.cpuRealtimePeriod) }
        if limits.cpuRealtimeRuntime != 0 { cpu.realtimeRuntime = limits.cpuRealtimeRuntime }
        if !limits.cpusetCPUs.isEmpty { cpu.cpus = limits.cpusetCPUs }
        if !limits.cpusetMems.isEmpty { cpu.mems = limits.cpusetMems }
        return cpu == RuntimeCPU() ? nil : cpu
    }

    private func blockIO(_ limits: Resources) throws(EngineError) -> RuntimeBlockIO? {
        var io = RuntimeBlockIO()
        if limits.blkioWeight > 0 { io.weight = limits.blkioWeight }
        for device in limits.blkioWeightDevices {
            let node = try HostDevice(at: device.path)
            io.weightDevices.append(
                RuntimeWeightDevice(major: node.major, minor: node.minor, weight: device.weight))
        }
        io.throttleReadBps = try throttles(limits.deviceReadBps)
        io.throttleWriteBps = try throttles(limits.deviceWriteBps)
        io.throttleReadIOPS = try throttles(limits.deviceReadIOps)
        io.throttleWriteIOPS = try throttles(limits.deviceWriteIOps)
        return io == RuntimeBlockIO() ? nil : io
    }

    private func throttles(_ devices: [ThrottleDevice]) throws(EngineError) -> [RuntimeThrottleDevice] {
        var result: [RuntimeThrottleDevice] = []
        for device in devices {
            let node = try HostDevice(at: device.path)
            result.append(RuntimeThrottleDevice(major: node.major, minor: node.minor, rate: device.rate))
        }
        return result
    }
}
