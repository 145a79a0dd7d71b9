import EngineClient
import JSONCodec

/// `port add` and `port rm`, which Docker does not have: the container goes on running meanwhile.
enum PortChange {
    static func add() -> Command {
        Command(
            paths: ["container port add", "port add"], usage: "CONTAINER PORT [PORT...]",
            summary: "Publish more ports of a container, written as for `run --publish`",
            arguments: .atLeast(2)
        ) { invocation in
            let asked = try PublishedPorts(
                publish: Array(invocation.arguments.dropFirst()), expose: [])
            let answer = try change(invocation, "add", asked)
            var shown = JSONObject()
            for (port, bindings) in answer["Ports"]?.objectValue ?? JSONObject()
            where asked.bindings[port] != nil {
                shown[port] = bindings
            }
            for line in ContainerPort.lines(shown) { invocation.session.output.line(line) }
            return 0
        }
    }

    static func remove() -> Command {
        Command(
            paths: ["container port rm", "port rm"], usage: "CONTAINER PORT [PORT...]",
            summary: "Take published ports of a container back (8080:80; 80 for all that lead there)",
            arguments: .atLeast(2)
        ) { invocation in
            let asked = try PublishedPorts(publish: Array(invocation.arguments.dropFirst()), expose: [])
            _ = try change(invocation, "remove", asked)
            return 0
        }
    }

    /// - Returns: `Ports`: those that the container has afterwards, as its inspection shows them
    private static func change(
        _ invocation: Invocation, _ operation: String, _ ports: PublishedPorts
    ) throws -> JSONValue {
        let name = invocation.arguments[0].trimmed
        guard !name.isEmpty else {
            throw CommandError(.invalidArgument, "invalid container name or ID: value is empty")
        }
        let path = "/skiff/containers/\(EngineRequest.escape(name, keeping: "/"))/ports/\(operation)"
        return try invocation.client.json(
            EngineRequest(.post, path, body: ["PortBindings": .object(ports.bindings)]))
    }
}
