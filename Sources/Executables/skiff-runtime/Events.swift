import Cgroups
import JSONCodec

/// `events --stats ID`: one reading of the counters, in runc's form. The stream of events is not built yet.
enum Events {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let options = try Options(words, flags: ["stats"], settings: ["interval"])
        let id = try options.identifier()
        guard options.has("stats") else { throw CommandError("events without --stats is not built yet") }
        let record = try ContainerRecord(readingFrom: try context.directory(id), id: id)
        guard let group = try record.cgroupIfAny() else {
            throw CommandError("container \(id) has no control group of its own")
        }
        let statistics = try cgroup { () throws(CgroupError) in try group.statistics() }
        let value: JSONValue = ["type": "stats", "id": .string(id), "data": json(statistics)]
        try standardOutput(value.text())
        return 0
    }

    private static func number(_ value: UInt64) -> JSONValue {
        Int64(exactly: value).map(JSONValue.integer) ?? .unsigned(value)
    }

    private static func json(_ statistics: CgroupStatistics) -> JSONValue {
        let cpu = statistics.cpu
        let memory = statistics.memory
        var details: [(String, JSONValue)] = []
        for (name, value) in memory.details.sorted(by: { $0.key < $1.key }) {
            details.append((name, number(value)))
        }
        var raw = JSONObject()
        for (name, value) in details { raw[name] = value }
        func entries(_ list: [CgroupStatistics.BlockIO.Entry]) -> JSONValue {
            .array(
                list.map {
                    [
                        "major": number($0.major), "minor": number($0.minor), "op": .string($0.operation),
                        "value": number($0.value),
                    ]
                })
        }
        return [
            "cpu": [
                "usage": [
                    "total": number(cpu.usage), "percpu": .array(cpu.perCPU.map(number)),
                    "kernel": number(cpu.system), "user": number(cpu.user),
                ],
                "throttling": [
                    "periods": number(cpu.periods), "throttledPeriods": number(cpu.throttledPeriods),
                    "throttledTime": number(cpu.throttledTime),
                ],
            ],
            "memory": [
                "usage": [
                    "limit": number(memory.limit ?? .max), "usage": number(memory.usage),
                    "max": number(memory.maximumUsage), "failcnt": number(memory.failures),
                ],
                "raw": .object(raw),
            ],
            "pids": [
                "current": number(statistics.pids.current), "limit": number(statistics.pids.limit ?? 0),
            ],
            "blkio": [
                "ioServiceBytesRecursive": entries(statistics.blockIO.serviceBytes),
                "ioServicedRecursive": entries(statistics.blockIO.serviced),
            ],
        ]
    }
}
