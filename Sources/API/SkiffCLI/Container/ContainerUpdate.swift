import EngineClient
import JSONCodec

/// `update`
enum ContainerUpdate {
    private static let restart = Flag("restart", .string, "Restart policy from now on")

    private static let limits = [
        ResourceFlags.blkioWeight, ResourceFlags.cpuPeriod, ResourceFlags.cpuQuota,
        ResourceFlags.cpuRealtimePeriod, ResourceFlags.cpuRealtimeRuntime, ResourceFlags.cpuShares,
        ResourceFlags.cpus, ResourceFlags.cpusetCPUs, ResourceFlags.cpusetMemory, ResourceFlags.memory,
        ResourceFlags.memoryReservation, ResourceFlags.memorySwap, ResourceFlags.pidsLimit,
    ]

    static func command() -> Command {
        Command(
            paths: ["container update", "update"], usage: "[OPTIONS] CONTAINER [CONTAINER...]",
            summary: "Change the limits and the restart policy of containers", flags: limits + [restart],
            arguments: .atLeast(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        guard (limits + [restart]).contains(where: invocation.isSet) else {
            throw CommandError(
                .invalidArgument, "you must provide one or more flags when using this command")
        }
        let body = try body(invocation)
        var failures = FailureList()
        var warnings: [String] = []
        for name in invocation.arguments {
            failures.attempt {
                var request = try EngineRequest.container(.post, name, "update")
                request.body = body
                let answer = try invocation.client.json(request)
                invocation.session.output.line(name)
                warnings += (answer["Warnings"]?.arrayValue ?? []).compactMap(\.stringValue)
            }
        }
        for warning in warnings { invocation.session.output.line(warning) }
        invocation.session.output.flush()
        try failures.raise()
        return 0
    }

    private static func body(_ invocation: Invocation) throws -> JSONValue {
        let flags = invocation.flags
        var body = JSONObject()
        let numbers: [(Flag, String)] = [
            (ResourceFlags.blkioWeight, "BlkioWeight"), (ResourceFlags.cpuPeriod, "CpuPeriod"),
            (ResourceFlags.cpuQuota, "CpuQuota"), (ResourceFlags.cpuRealtimePeriod, "CpuRealtimePeriod"),
            (ResourceFlags.cpuRealtimeRuntime, "CpuRealtimeRuntime"), (ResourceFlags.cpuShares, "CpuShares"),
            (ResourceFlags.pidsLimit, "PidsLimit"),
        ]
        for (flag, key) in numbers where flags.isSet(flag) { body[key] = .integer(flags.int(flag)) }
        for (flag, key) in [
            (ResourceFlags.memory, "Memory"), (ResourceFlags.memoryReservation, "MemoryReservation"),
        ]
        where flags.isSet(flag) {
            body[key] = .integer(flags.bytes(flag))
        }
        for (flag, key) in [
            (ResourceFlags.cpusetCPUs, "CpusetCpus"), (ResourceFlags.cpusetMemory, "CpusetMems"),
        ]
        where flags.isSet(flag) {
            body[key] = .string(flags.string(flag))
        }
        if flags.isSet(ResourceFlags.cpus) {
            body["NanoCpus"] = .integer(FlagText.nanos(flags.string(ResourceFlags.cpus)) ?? 0)
        }
        let swap = flags.string(ResourceFlags.memorySwap)
        if !swap.isEmpty { body["MemorySwap"] = .integer(swap == "-1" ? -1 : FlagText.bytes(swap) ?? 0) }
        if flags.isSet(restart) {
            body["RestartPolicy"] = try HostConfig.restartPolicy(flags.string(restart))
        }
        return .object(body)
    }
}
