import JSONCodec

/// Limits and devices: the resource members of `HostConfig`.
struct ResourceConfig {
    private let flags: FlagValues

    init(_ flags: FlagValues) { self.flags = flags }

    func add(to host: inout JSONObject) throws(CommandError) {
        try addMemory(to: &host)
        addProcessors(to: &host)
        addBlockDevices(to: &host)
        try addDevices(to: &host)
        var ulimits: [String: JSONValue] = [:]
        for text in flags.list(ResourceFlags.ulimit) {
            do throws(UsageError) {
                let limit = try Ulimit(parsing: text)
                ulimits[limit.name] = limit.json
            } catch {
                throw CommandError(.invalidArgument, error.message)
            }
        }
        host["Ulimits"] = .array(ulimits.sorted { $0.key < $1.key }.map(\.value))
    }

    private func integer(_ flag: Flag) -> JSONValue { .integer(flags.int(flag)) }

    private func addMemory(to host: inout JSONObject) throws(CommandError) {
        let swappiness = flags.int(ResourceFlags.memorySwappiness)
        guard swappiness == -1 || (0...100).contains(swappiness) else {
            throw CommandError(
                .invalidArgument, "invalid value: \(swappiness). Valid memory swappiness range is 0-100")
        }
        host["Memory"] = .integer(flags.bytes(ResourceFlags.memory))
        host["MemoryReservation"] = .integer(flags.bytes(ResourceFlags.memoryReservation))
        let swap = flags.string(ResourceFlags.memorySwap)
        host["MemorySwap"] = .integer(swap == "-1" ? -1 : FlagText.bytes(swap) ?? 0)
        host["MemorySwappiness"] = .integer(swappiness)
        host["OomKillDisable"] = .bool(flags.bool(ResourceFlags.oomKillDisable))
        host["OomScoreAdj"] = integer(ResourceFlags.oomScoreAdj)
        host["PidsLimit"] = integer(ResourceFlags.pidsLimit)
    }

    private func addProcessors(to host: inout JSONObject) {
        host["NanoCpus"] = .integer(FlagText.nanos(flags.string(ResourceFlags.cpus)) ?? 0)
        host["CpuShares"] = integer(ResourceFlags.cpuShares)
        host["CpuPeriod"] = integer(ResourceFlags.cpuPeriod)
        host["CpuQuota"] = integer(ResourceFlags.cpuQuota)
        host["CpuRealtimePeriod"] = integer(ResourceFlags.cpuRealtimePeriod)
        host["CpuRealtimeRuntime"] = integer(ResourceFlags.cpuRealtimeRuntime)
        host["CpusetCpus"] = .string(flags.string(ResourceFlags.cpusetCPUs))
        host["CpusetMems"] = .string(flags.string(ResourceFlags.cpusetMemory))
        host["CpuCount"] = integer(ResourceFlags.cpuCount)
        host["CpuPercent"] = integer(ResourceFlags.cpuPercent)
    }

    private func addBlockDevices(to host: inout JSONObject) {
        host["BlkioWeight"] = integer(ResourceFlags.blkioWeight)
        host["BlkioWeightDevice"] = devices(ResourceFlags.blkioWeightDevice, "Weight") { Int64($0) }
        host["BlkioDeviceReadBps"] = devices(ResourceFlags.deviceReadBps, "Rate", FlagText.bytes)
        host["BlkioDeviceWriteBps"] = devices(ResourceFlags.deviceWriteBps, "Rate", FlagText.bytes)
        host["BlkioDeviceReadIOps"] = devices(ResourceFlags.deviceReadIOps, "Rate") { Int64($0) }
        host["BlkioDeviceWriteIOps"] = devices(ResourceFlags.deviceWriteIOps, "Rate") { Int64($0) }
        host["IOMaximumBandwidth"] = .integer(flags.bytes(ResourceFlags.ioMaxBandwidth))
        host["IOMaximumIOps"] = integer(ResourceFlags.ioMaxOperations)
    }

    private func devices(_ flag: Flag, _ key: String, _ number: (String) -> Int64?) -> JSONValue {
        .array(
            flags.list(flag).compactMap { text in
                guard let (path, value) = FlagCheck.deviceAndValue(text) else { return nil }
                var object = JSONObject()
                object["Path"] = .string(path)
                object[key] = .integer(number(value) ?? 0)
                return .object(object)
            })
    }

    private func addDevices(to host: inout JSONObject) throws(CommandError) {
        var devices: [JSONValue] = []
        var interfaces: [String] = []
        for text in flags.list(ResourceFlags.device) {
            do throws(UsageError) {
                switch try DeviceOption(parsing: text).kind {
                case .interface(let name): interfaces.append(name)
                case .path(let outside, let inside, let permissions):
                    devices.append([
                        "PathOnHost": .string(outside), "PathInContainer": .string(inside),
                        "CgroupPermissions": .string(permissions),
                    ])
                }
            } catch {
                throw CommandError(.invalidArgument, error.message)
            }
        }
        host["Devices"] = .array(devices)
        host["DeviceCgroupRules"] = .texts(flags.list(ResourceFlags.deviceCgroupRule))
        host["DeviceRequests"] = .null
        if !interfaces.isEmpty {
            host["DeviceRequests"] = [
                [
                    "Driver": "cdi", "Count": 0, "DeviceIDs": .list(interfaces), "Capabilities": .null,
                    "Options": .null,
                ]
            ]
        }
    }
}
