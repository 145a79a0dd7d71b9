import GoTemplate
import EngineClient
import JSONCodec

/// `port`
enum ContainerPort {
    static func command() -> Command {
        Command(
            paths: ["container port", "port"], usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
            summary: "List the published ports of a container, or where one of them is",
            arguments: .between(1, 2),
            run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let answer = try invocation.client.json(.container(.get, invocation.arguments[0], "json"))
        let ports = answer["NetworkSettings"]?["Ports"]?.objectValue ?? JSONObject()
        if invocation.arguments.count > 1 { return try one(invocation.arguments[1], ports, invocation) }
        for line in Self.lines(ports) { invocation.session.output.line(line) }
        return 0
    }

    /// Each published port on a line, `80/tcp -> 0.0.0.0:8080`.
    static func lines(_ ports: JSONObject) -> [String] {
        var lines: [(port: String, line: String)] = []
        for (port, bindings) in ports {
            for binding in bindings.arrayValue ?? [] {
                lines.append((port, "\(port) -> \(address(binding))"))
            }
        }
        return lines.sorted { a, b in
            let (x, y) = (number(a.port), number(b.port))
            return x == y ? a.line < b.line : x < y
        }.map(\.line)
    }

    private static func one(_ text: String, _ ports: JSONObject, _ invocation: Invocation) throws -> Int32 {
        let port = text.contains("/") ? text : text + "/tcp"
        guard number(port) >= 0 else {
            let digits = String(text.prefix { $0 != "/" })
            let reason =
                !digits.isEmpty && digits.allSatisfy(\.isNumber) ? "value out of range" : "invalid syntax"
            throw CommandError(
                .invalidArgument,
                "Error: invalid port (\(digits)): strconv.ParseUint: parsing \(GoPrinter.quoted(digits)): \(reason)"
            )
        }
        guard let bindings = ports[port]?.arrayValue, !bindings.isEmpty else {
            throw CommandError(
                .invalidArgument,
                "Error: No public port '\(text)' published for \(invocation.arguments[0])")
        }
        for line in bindings.map(address).sorted() { invocation.session.output.line(line) }
        return 0
    }

    private static func number(_ port: String) -> Int {
        UInt16(port.prefix { $0 != "/" }).map(Int.init) ?? -1
    }

    private static func address(_ binding: JSONValue) -> String {
        let host = binding["HostIp"]?.stringValue ?? ""
        let port = binding["HostPort"]?.stringValue ?? ""
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
