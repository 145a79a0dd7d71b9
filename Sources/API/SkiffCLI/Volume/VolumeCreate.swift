import EngineClient
import JSONCodec

/// `volume create`
enum VolumeCreate {
    private static let driver = Flag("driver", "d", .string, "Driver of the volume", initial: "local")
    private static let label = Flag("label", .list, "Set a label", check: FlagCheck.label)
    private static let name = Flag("name", .string, "Name of the volume", hidden: true)
    private static let option = Flag(
        "opt", "o", .map, "Option of the driver (type=tmpfs, device=…, o=…, size=…)")

    /// Docker's flags for volumes of a cluster.
    private static let cluster: [Flag] = [
        Flag("availability", .string, "Of a cluster's volume", initial: "active"),
        Flag("group", .string, "Of a cluster's volume"),
        Flag("limit-bytes", .bytes, "Of a cluster's volume", initial: "0"),
        Flag("required-bytes", .bytes, "Of a cluster's volume", initial: "0"),
        Flag("scope", .string, "Of a cluster's volume", initial: "single"),
        Flag("secret", .map, "Of a cluster's volume"),
        Flag("sharing", .string, "Of a cluster's volume", initial: "none"),
        Flag("topology-preferred", .list, "Of a cluster's volume"),
        Flag("topology-required", .list, "Of a cluster's volume"),
        Flag("type", .string, "Of a cluster's volume", initial: "block"),
    ]

    static func command() -> Command {
        Command(
            paths: ["volume create"], usage: "[OPTIONS] [VOLUME]", summary: "Create a volume",
            flags: cluster + [driver, label, name, option], arguments: .atMost(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        if let flag = cluster.first(where: invocation.isSet) {
            throw CommandError(.notBuilt, "--\(flag.name): volumes of a cluster are not built yet")
        }
        if !invocation.arguments.isEmpty, invocation.isSet(name) {
            throw CommandError(
                .invalidArgument,
                "conflicting options: cannot specify a volume-name through both --name and as a positional arg"
            )
        }
        var body = JSONObject()
        let values: [(key: String, texts: [String])] = [
            ("DriverOpts", invocation.list(option)), ("Labels", invocation.list(label)),
        ]
        if !invocation.string(driver).isEmpty { body["Driver"] = .string(invocation.string(driver)) }
        for (key, texts) in values where !texts.isEmpty { body[key] = .keyValues(texts) }
        let wanted = invocation.arguments.first ?? invocation.string(name)
        if !wanted.isEmpty { body["Name"] = .string(wanted) }
        let answer = try invocation.client.json(
            EngineRequest(.post, "/volumes/create", body: .object(body)))
        invocation.session.output.line(answer["Name"]?.stringValue ?? "")
        return 0
    }
}

/// `volume update`: only volumes of a cluster can be changed, and there are none.
enum VolumeUpdate {
    private static let availability = Flag(
        "availability", .string, "Of a cluster's volume", initial: "active")

    static func command() -> Command {
        Command(
            paths: ["volume update"], usage: "[OPTIONS] [VOLUME]",
            summary: "Change a volume of a cluster (no other volume can be changed)", flags: [availability],
            arguments: .exactly(1)
        ) { invocation in
            _ = try invocation.client.json(.volume(.get, invocation.arguments[0]))
            throw CommandError(.invalidArgument, "can only update cluster volumes")
        }
    }
}

extension EngineRequest {
    /// - Throws: `CommandError` where the name is empty: it would be another path
    static func volume(_ method: Method, _ name: String) throws(CommandError) -> EngineRequest {
        guard !name.trimmed.isEmpty else {
            throw CommandError(.invalidArgument, "invalid volume name: value is empty")
        }
        return EngineRequest(method, "/volumes/\(escape(name))")
    }
}
