import EngineClient

/// `volume rm`
enum VolumeRemove {
    private static let force = Flag("force", "f", .bool, "Do not fail where a volume does not exist")

    static func command() -> Command {
        Command(
            paths: ["volume rm", "volume remove"], usage: "[OPTIONS] VOLUME [VOLUME...]",
            summary: "Remove volumes with what is in them; not those that a container has", flags: [force],
            arguments: .atLeast(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var failures = FailureList()
        for name in invocation.arguments {
            failures.attempt {
                var request = try EngineRequest.volume(.delete, name)
                if invocation.bool(force) { request.query = [("force", "1")] }
                try invocation.client.perform(request)
                invocation.session.output.line(name)
                invocation.session.output.flush()
            }
        }
        try failures.raise()
        return 0
    }
}

/// `volume inspect`
enum VolumeInspect {
    static func command() -> Command {
        Command(
            paths: ["volume inspect"], usage: "[OPTIONS] VOLUME [VOLUME...]",
            summary: "Show everything about volumes", flags: [ObjectInspect.format], arguments: .atLeast(1)
        ) { invocation in
            try ObjectInspection(invocation, kinds: [.volume]).run(named: true)
        }
    }
}
