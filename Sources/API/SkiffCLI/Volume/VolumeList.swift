import EngineClient
import JSONCodec

/// `volume ls`
enum VolumeList {
    private static let cluster = Flag("cluster", .bool, "Show only a cluster's volumes")
    private static let format = Flag("format", .string, FormatHelp.list)
    private static let quiet = Flag("quiet", "q", .bool, "Print names only")

    static func command() -> Command {
        Command(
            paths: ["volume ls", "volume list"], usage: "[OPTIONS]", summary: "List volumes",
            flags: [cluster, FilterArgument.flag, format, quiet], arguments: .none, run: run)
    }

    private static let headers = [
        "Name": "VOLUME NAME", "Driver": "DRIVER", "Scope": "SCOPE", "Mountpoint": "MOUNTPOINT",
        "Labels": "LABELS", "Links": "LINKS", "Size": "SIZE", "Group": "GROUP",
        "Availability": "AVAILABILITY",
        "Status": "STATUS",
    ]

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let isCluster = invocation.bool(cluster)
        var text = invocation.string(format)
        if text.isEmpty, !invocation.bool(quiet) {
            text = ConfigurationFile(invocation.session.configurationFolder).volumesFormat
        }
        let listFormat = try ListFormat(
            text,
            table: isCluster
                ? "{{.Name}}\\t{{.Group}}\\t{{.Driver}}\\t{{.Availability}}\\t{{.Status}}"
                : "{{.Driver}}\\t{{.Name}}",
            quiet: invocation.bool(quiet) ? "{{.Name}}" : nil)
        let query = FilterArgument.query(invocation.list(FilterArgument.flag)).map { [$0] } ?? []
        let list = try invocation.client.json(EngineRequest(.get, "/volumes", query: query))
        let volumes = (list["Volumes"]?.arrayValue ?? [])
            .filter { !isCluster || $0["ClusterVolume"]?.objectValue != nil }
            .sorted {
                NaturalOrder.precedes($0["Name"]?.stringValue ?? "", $1["Name"]?.stringValue ?? "")
            }
        invocation.session.output.write(try listFormat.render(volumes.map(row), headers: headers))
        return 0
    }

    /// For templates: the fields of a line.
    static func row(_ volume: JSONValue) -> ListRow {
        func text(_ key: String) -> JSONValue { .string(volume[key]?.stringValue ?? "") }
        let usage = volume["UsageData"]
        let size = usage?["Size"]?.integerValue ?? -1
        return ListRow(
            "*formatter.volumeContext", labels: volume["Labels"],
            [
                ("Availability", "N/A"), ("Driver", text("Driver")), ("Group", "N/A"),
                ("Labels", .string(ListRow.text(ofLabels: volume["Labels"]))),
                ("Links", .string((usage?["RefCount"]?.integerValue).map { "\($0)" } ?? "N/A")),
                ("Mountpoint", text("Mountpoint")), ("Name", text("Name")), ("Scope", text("Scope")),
                ("Size", .string(size < 0 ? "N/A" : HumanUnits.size(Double(size)))), ("Status", "N/A"),
            ])
    }
}
