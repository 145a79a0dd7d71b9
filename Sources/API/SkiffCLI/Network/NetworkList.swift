import EngineClient
import GoTemplate
import JSONCodec
import OCIModel

/// `network ls`
enum NetworkList {
    private static let format = Flag("format", .string, FormatHelp.list)
    private static let noTruncation = Flag("no-trunc", .bool, "Print everything in full length")
    private static let quiet = Flag("quiet", "q", .bool, "Print identifiers only")

    static func command() -> Command {
        Command(
            paths: ["network ls", "network list"], usage: "[OPTIONS]", summary: "List networks",
            flags: [FilterArgument.flag, format, noTruncation, quiet], arguments: .none, run: run)
    }

    private static let headers = [
        "ID": "NETWORK ID", "Name": "NAME", "Driver": "DRIVER", "Scope": "SCOPE", "IPv4": "IPV4",
        "IPv6": "IPV6",
        "Internal": "INTERNAL", "Labels": "LABELS", "CreatedAt": "CREATED AT",
    ]

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var text = invocation.string(format)
        if text.isEmpty, !invocation.bool(quiet) {
            text = ConfigurationFile(invocation.session.configurationFolder).networksFormat
        }
        let listFormat = try ListFormat(
            text, table: "{{.ID}}\\t{{.Name}}\\t{{.Driver}}\\t{{.Scope}}",
            quiet: invocation.bool(quiet) ? "{{.ID}}" : nil)
        let query = FilterArgument.query(invocation.list(FilterArgument.flag)).map { [$0] } ?? []
        let list = try invocation.client.json(EngineRequest(.get, "/networks", query: query))
        let networks = (list.arrayValue ?? []).sorted {
            NaturalOrder.precedes($0["Name"]?.stringValue ?? "", $1["Name"]?.stringValue ?? "")
        }
        let rows = networks.map { row($0, truncated: !invocation.bool(noTruncation)) }
        invocation.session.output.write(try listFormat.render(rows, headers: headers))
        return 0
    }

    private static func row(_ network: JSONValue, truncated: Bool) -> ListRow {
        func text(_ key: String) -> String { network[key]?.stringValue ?? "" }
        func flag(_ key: String) -> JSONValue { .string("\(network[key]?.boolValue ?? false)") }
        let created = Timestamp(rfc3339: text("Created")) ?? .zero
        let fields: [(name: String, value: JSONValue)] = [
            ("ID", .string(truncated ? text("Id").shortIdentifier : text("Id"))),
            ("Name", .string(text("Name"))),
            ("Driver", .string(text("Driver"))), ("Scope", .string(text("Scope"))),
            ("IPv4", flag("EnableIPv4")),
            ("IPv6", flag("EnableIPv6")), ("Internal", flag("Internal")),
            ("Labels", .string(ListRow.text(ofLabels: network["Labels"]))),
            ("CreatedAt", .string(LocalTime.goString(created))),
        ]
        return ListRow("*network.networkContext", labels: network["Labels"], fields)
    }
}

/// Order of names in which runs of digits count as numbers: `n2` before `n10`.
enum NaturalOrder {
    static func precedes(_ a: String, _ b: String) -> Bool {
        var (x, y) = (Array(a.utf8)[...], Array(b.utf8)[...])
        while let p = x.first, let q = y.first {
            if isDigit(p), isDigit(q) {
                let (m, n) = (number(&x), number(&y))
                if m.count != n.count { return m.count < n.count }
                if m != n { return m.lexicographicallyPrecedes(n) }
            } else if p != q {
                return p < q
            } else {
                x = x.dropFirst()
                y = y.dropFirst()
            }
        }
        return x.count < y.count
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// The digits at the front, without leading zeros.
    private static func number(_ bytes: inout ArraySlice<UInt8>) -> [UInt8] {
        let digits = bytes.prefix(while: isDigit)
        bytes = bytes.dropFirst(digits.count)
        return Array(digits.drop { $0 == 0x30 })
    }
}
