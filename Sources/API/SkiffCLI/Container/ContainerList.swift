import DockerAPI
import EngineClient
import GoTemplate
import JSONCodec
import OCIModel

/// `ps`
enum ContainerList {
    private static let all = Flag("all", "a", .bool, "Show stopped containers too")
    private static let format = Flag("format", .string, FormatHelp.list)
    private static let last = Flag(
        "last", "n", .int, "Show the last created containers in any state", initial: "-1")
    private static let latest = Flag("latest", "l", .bool, "Show the last created container in any state")
    private static let noTruncation = Flag("no-trunc", .bool, "Print everything in full length")
    private static let quiet = Flag("quiet", "q", .bool, "Print identifiers only")
    private static let size = Flag("size", "s", .bool, "Print sizes too")

    static func command() -> Command {
        Command(
            paths: ["container ls", "container list", "container ps", "ps"], usage: "[OPTIONS]",
            summary: "List containers",
            flags: [all, FilterArgument.flag, format, last, latest, noTruncation, quiet, size],
            arguments: .none,
            run: run)
    }

    private static let table =
        "{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}\\t{{.Names}}"

    private static let raw = """
        container_id: {{.ID}}
        image: {{.Image}}
        command: {{.Command}}
        created_at: {{.CreatedAt}}
        state:{{if .State}} {{.State}}{{end}}
        status:{{if .Status}} {{.Status}}{{end}}
        names: {{.Names}}
        labels:{{if .Labels}} {{.Labels}}{{end}}
        ports:{{if .Ports}} {{.Ports}}{{end}}

        """

    static let headers = [
        "ID": "CONTAINER ID", "Names": "NAMES", "Image": "IMAGE", "Command": "COMMAND",
        "CreatedAt": "CREATED AT",
        "RunningFor": "CREATED", "Ports": "PORTS", "State": "STATE", "Status": "STATUS", "Size": "SIZE",
        "Labels": "LABELS", "Mounts": "MOUNTS", "LocalVolumes": "LOCAL VOLUMES", "Networks": "NETWORKS",
        "Platform": "PLATFORM",
    ]

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var text = invocation.string(format)
        if text.isEmpty, !invocation.bool(quiet) {
            text = ConfigurationFile(invocation.session.configurationFolder).psFormat
        }
        let wantsSize = invocation.bool(size) || !invocation.bool(quiet) && text.contains(".Size")
        let listFormat = try ListFormat(
            text, table: table + (invocation.bool(size) ? "\\t{{.Size}}" : ""),
            raw: raw + (invocation.bool(size) ? "size: {{.Size}}\n" : ""),
            quiet: invocation.bool(quiet) ? (text == "raw" ? "container_id: {{.ID}}" : "{{.ID}}") : nil)
        var query: [(name: String, value: String)] = []
        if invocation.bool(all) { query.append(("all", "1")) }
        if let filters = FilterArgument.query(invocation.list(FilterArgument.flag)) { query.append(filters) }
        let count = invocation.int(last)
        if count > 0 {
            query.append(("limit", "\(count)"))
        } else if invocation.bool(latest), count == -1 {
            query.append(("limit", "1"))
        }
        if wantsSize { query.append(("size", "1")) }
        let list = try invocation.client.json(EngineRequest(.get, "/containers/json", query: query))
        let now = Timestamp.now
        let isTruncated = !invocation.bool(noTruncation)
        let rows = (list.arrayValue ?? []).map { row($0, truncated: isTruncated, now: now) }
        invocation.session.output.write(try listFormat.render(rows, headers: headers))
        return 0
    }

    static func row(_ container: JSONValue, truncated: Bool, now: Timestamp) -> ListRow {
        func text(_ key: String) -> String { container[key]?.stringValue ?? "" }
        let created = container["Created"]?.integerValue ?? 0
        let command = text("Command")
        let mounts = container["Mounts"]?.arrayValue ?? []
        let networks = container["NetworkSettings"]?["Networks"]?.objectValue ?? JSONObject()
        let volumes = mounts.count { $0["Driver"]?.stringValue == "local" }
        let mountNames = mounts.map { mount in
            let name = mount["Name"]?.stringValue ?? ""
            let shown = name.isEmpty ? mount["Source"]?.stringValue ?? "" : name
            return truncated ? shown.ellipsis(15) : shown
        }
        let fields: [(name: String, value: JSONValue)] = [
            ("ID", .string(truncated ? text("Id").shortIdentifier : text("Id"))),
            ("Names", .string(names(container, truncated))),
            ("Image", .string(image(container, truncated))),
            ("Command", .string(GoPrinter.quoted(truncated ? command.ellipsis(20) : command))),
            ("CreatedAt", .string(LocalTime.goString(Timestamp(seconds: created)))),
            ("RunningFor", .string(HumanDuration.text(seconds: now.seconds - created) + " ago")),
            ("Ports", .string(PortText.text(container["Ports"]?.arrayValue ?? []))),
            ("State", .string(text("State"))), ("Status", .string(text("Status"))),
            ("Size", .string(size(container))),
            ("Labels", .string(ListRow.text(ofLabels: container["Labels"]))),
            ("Mounts", .string(mountNames.joined(separator: ","))), ("LocalVolumes", .string("\(volumes)")),
            ("Networks", .string(networks.keys.sorted().joined(separator: ","))),
            ("Platform", container["ImageManifestDescriptor"]?["platform"] ?? .null),
        ]
        return ListRow("*formatter.ContainerContext", labels: container["Labels"], fields)
    }

    /// Without the slash in front; links are other names below this one, left out where the table is short.
    private static func names(_ container: JSONValue, _ truncated: Bool) -> String {
        let names = (container["Names"]?.arrayValue ?? []).compactMap(\.stringValue).map { name in
            name.hasPrefix("/") ? String(name.dropFirst()) : name
        }
        if truncated, let own = names.first(where: { !$0.contains("/") }) { return own }
        return names.joined(separator: ",")
    }

    private static func image(_ container: JSONValue, _ truncated: Bool) -> String {
        let image = container["Image"]?.stringValue ?? ""
        if image.isEmpty { return "<no image>" }
        guard truncated else { return image }
        let identifier = container["ImageID"]?.stringValue ?? ""
        if identifier.shortIdentifier == image.shortIdentifier { return image.shortIdentifier }
        // A tag says enough: the digest behind it goes.
        guard let (name, _) = image.cut("@"), let slash = name.split(separator: "/").last, slash.contains(":")
        else {
            return image
        }
        return name
    }

    private static func size(_ container: JSONValue) -> String {
        let written = HumanUnits.size(container["SizeRw"]?.doubleValue ?? 0, digits: 3)
        let whole = container["SizeRootFs"]?.doubleValue ?? 0
        return whole > 0 ? "\(written) (virtual \(HumanUnits.size(whole, digits: 3)))" : written
    }
}

/// Help texts of `--format`.
enum FormatHelp {
    static let list = """
        How to print:
        'table':            a table with titles (the default)
        'table TEMPLATE':   a table of these columns
        'json':             one JSON object a line
        'TEMPLATE':         one line each, by this Go template
        """

    static let object = """
        How to print:
        'json':             as JSON
        'TEMPLATE':         by this Go template
        """
}
