import EngineClient

/// `kill`
enum ContainerKill {
    private static let signal = Flag("signal", "s", .string, "Signal to send to the container")

    static func command() -> Command {
        Command(
            paths: ["container kill", "kill"], usage: "[OPTIONS] CONTAINER [CONTAINER...]",
            summary: "Kill running containers", flags: [signal], arguments: .atLeast(1)
        ) { invocation in
            let name = invocation.string(signal)
            let query = name.isEmpty ? [] : [(name: "signal", value: name)]
            return try invocation.sendForEachArgument { try .container(.post, $0, "kill", query: query) }
        }
    }
}

/// `pause`
enum ContainerPause {
    static func command() -> Command {
        Command(
            paths: ["container pause", "pause"], usage: "CONTAINER [CONTAINER...]",
            summary: "Freeze every process of containers", arguments: .atLeast(1)
        ) { invocation in
            try invocation.sendForEachArgument { try .container(.post, $0, "pause") }
        }
    }
}

/// `unpause`
enum ContainerUnpause {
    static func command() -> Command {
        Command(
            paths: ["container unpause", "unpause"], usage: "CONTAINER [CONTAINER...]",
            summary: "Let the processes of paused containers go on", arguments: .atLeast(1)
        ) { invocation in
            try invocation.sendForEachArgument { try .container(.post, $0, "unpause") }
        }
    }
}
