import EngineClient
import JSONCodec
import OCIModel

/// `search`
enum RegistrySearch {
    private static let format = Flag("format", .string, FormatHelp.list)
    private static let limit = Flag("limit", .int, "Largest number of results")
    private static let noTruncation = Flag("no-trunc", .bool, "Print everything in full length")

    static func command() -> Command {
        Command(
            paths: ["search"], usage: "[OPTIONS] TERM", summary: "Search a registry for images",
            flags: [FilterArgument.flag, format, limit, noTruncation], arguments: .exactly(1), run: run)
    }

    private static let headers = [
        "Name": "NAME", "Description": "DESCRIPTION", "StarCount": "STARS", "IsOfficial": "OFFICIAL",
        "IsAutomated": "AUTOMATED",
    ]

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let term = invocation.arguments[0]
        let listFormat = try ListFormat(
            invocation.string(format),
            table: "{{.Name}}\\t{{.Description}}\\t{{.StarCount}}\\t{{.IsOfficial}}")
        var query: [(name: String, value: String)] = [("term", term)]
        if invocation.int(limit) > 0 { query.append(("limit", "\(invocation.int(limit))")) }
        if let item = FilterArgument.query(invocation.list(FilterArgument.flag)) { query.append(item) }
        var request = EngineRequest(.get, "/images/search", query: query)
        let domain = (try? Reference(term))?.domain ?? Reference.defaultDomain
        request.headers.append(try invocation.session.registryAuth(domain))
        let found = try invocation.client.json(request).arrayValue ?? []
        let isFull = invocation.bool(noTruncation)
        let rows = found.map { item -> ListRow in
            let text = (item["description"]?.stringValue ?? "").split(separator: "\n").joined(separator: " ")
            func mark(_ key: String) -> JSONValue { .string(item[key]?.boolValue == true ? "[OK]" : "") }
            return ListRow(
                "*formatter.searchContext",
                [
                    ("Name", item["name"] ?? ""), ("Description", .string(isFull ? text : text.ellipsis(45))),
                    ("StarCount", item["star_count"] ?? 0), ("IsOfficial", mark("is_official")),
                    ("IsAutomated", mark("is_automated")),
                ])
        }
        invocation.session.output.write(try listFormat.render(rows, headers: headers))
        return 0
    }
}
