import EngineClient
import JSONCodec

/// `network audit`, which Docker does not have: who reaches which container, by the host's rules as they are.
enum NetworkAudit {
    private static let json = Flag("json", .bool, "Print everything as JSON")

    static func command() -> Command {
        Command(
            paths: ["network audit"], usage: "[OPTIONS]",
            summary: "Show who can reach which container, from the firewall rules of the host", flags: [json],
            arguments: .none
        ) { invocation in
            let output = invocation.session.output
            let answer = try invocation.client.json(EngineRequest(.get, "/skiff/networks/audit"))
            if invocation.bool(json) {
                output.line(answer.text(JSONValue.Style(indent: 4)))
                return 0
            }
            output.write(table(answer["Paths"]?.arrayValue ?? []))
            for finding in answer["Findings"]?.arrayValue ?? [] {
                output.line("")
                output.line("WARNING: " + (finding["Message"]?.stringValue ?? ""))
                output.line("To do: " + (finding["Remedy"]?.stringValue ?? ""))
            }
            return 0
        }
    }

    static func table(_ paths: [JSONValue]) -> String {
        var text = "FROM\tTO\tNETWORK\tADDRESS\tVERDICT\tREASON\n"
        for path in paths {
            func word(_ key: String) -> String { path[key]?.stringValue ?? "" }
            let from: String
            switch word("Source") {
            case "host": from = "(host)"
            case "outside": from = "(outside)"
            default: from = word("From")
            }
            let cells = [from, word("To"), word("Network"), address(path), word("Verdict"), word("Reason")]
            text += cells.joined(separator: "\t") + "\n"
        }
        return TableWriter().align(text)
    }

    /// `198.51.100.1:8080/tcp` for a published port, else the address alone.
    private static func address(_ path: JSONValue) -> String {
        let address = path["Address"]?.stringValue ?? ""
        guard let port = path["Port"]?.integerValue, port != 0 else { return address }
        let host = address.contains(":") ? "[\(address)]" : address
        return "\(host):\(port)/\(path["Transport"]?.stringValue ?? "")"
    }
}
