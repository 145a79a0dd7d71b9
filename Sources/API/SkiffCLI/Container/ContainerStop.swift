import EngineClient

/// `stop`
enum ContainerStop {
    static let signal = Flag("signal", "s", .string, "Signal to send to the container")
    static let timeout = Flag("timeout", "t", .int, "Seconds to wait before killing the container")
    static let time = Flag("time", .int, "Seconds to wait", hidden: true, standsFor: "timeout")

    static func command() -> Command {
        Command(
            paths: ["container stop", "stop"], usage: "[OPTIONS] CONTAINER [CONTAINER...]",
            summary: "Stop running containers", flags: [signal, timeout, time], arguments: .atLeast(1)
        ) { invocation in
            let query = query(invocation)
            return try invocation.sendForEachArgument { try .container(.post, $0, "stop", query: query) }
        }
    }

    static func query(_ invocation: Invocation) -> [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        let name = invocation.string(signal)
        if !name.isEmpty { query.append(("signal", name)) }
        if invocation.isSet(timeout) { query.append(("t", "\(invocation.int(timeout))")) }
        return query
    }
}

/// `restart`
enum ContainerRestart {
    static func command() -> Command {
        Command(
            paths: ["container restart", "restart"], usage: "[OPTIONS] CONTAINER [CONTAINER...]",
            summary: "Stop containers and start them again",
            flags: [ContainerStop.signal, ContainerStop.timeout, ContainerStop.time], arguments: .atLeast(1)
        ) { invocation in
            let query = ContainerStop.query(invocation)
            return try invocation.forEachArgument { name in
                try invocation.client.perform(.container(.post, name, "restart", query: query))
            }
        }
    }
}
