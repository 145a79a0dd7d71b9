import DockerAPI
import JSONCodec
import OCIModel

/// The tables of `system df -v`.
struct DiskUsageDetails {
    private let usage: JSONValue
    private let now: Timestamp

    init(_ usage: JSONValue, now: Timestamp) {
        self.usage = usage
        self.now = now
    }

    func text() throws -> String {
        var text = "Images space usage:\n\n" + (try images())
        text += "\nContainers space usage:\n\n" + (try containers())
        text += "\nLocal Volumes space usage:\n\n" + (try volumes())
        text += sharing
        let cache = usage["BuildCache"]?.arrayValue ?? []
        let bytes = cache.reduce(Int64(0)) { $0 + ($1["Size"]?.integerValue ?? 0) }
        text += "\nBuild cache usage: \(HumanUnits.size(Double(bytes)))\n\n"
        return text + (try buildCache(cache))
    }

    /// What everything would occupy without shared layers, and how much of that is saved.
    private var sharing: String {
        guard let whole = usage["Sharing"]?["WithoutSharing"]?.integerValue, whole > 0,
            let stored = usage["Sharing"]?["WithSharing"]?.integerValue
        else { return "" }
        let saved = max(0, whole - stored)
        return "\nSharing of layers saves: \(HumanUnits.size(Double(saved))) of "
            + "\(HumanUnits.size(Double(whole))) (\(saved * 100 / whole)%)\n"
    }

    /// For templates: `.Images`, `.Containers`, `.Volumes`, `.BuildCache`, each a list with the fields of its own list.
    var record: ListRow {
        func list(_ key: String) -> [JSONValue] { usage[key]?.arrayValue ?? [] }
        let images = list("Images").flatMap { image in
            ImageRows.names(image, digests: false).map {
                ImageRows.row(image, $0, truncated: false, now: now).json
            }
        }
        let containers = list("Containers").map { ContainerList.row($0, truncated: false, now: now).json }
        return ListRow(
            "*formatter.diskUsageContext",
            [
                ("Images", .array(images)), ("Containers", .array(containers)),
                ("Volumes", .array(list("Volumes").map { VolumeList.row($0).json })),
                ("BuildCache", .array(list("BuildCache"))),
            ])
    }

    private func since(_ seconds: Int64) -> String {
        HumanDuration.text(seconds: now.seconds - seconds) + " ago"
    }

    private func table(_ columns: [(title: String, field: String)], _ rows: [[String]]) throws -> String {
        let template = columns.map { "{{.\($0.field)}}" }.joined(separator: "\\t")
        let headers = Dictionary(
            columns.map { ($0.field, $0.title) }, uniquingKeysWith: { first, _ in first })
        let records = rows.map { row in
            ListRow("*formatter.row", zip(columns, row).map { ($0.0.field, JSONValue.string($0.1)) })
        }
        return try ListFormat("", table: template).render(records, headers: headers)
    }

    private func images() throws -> String {
        let rows = (usage["Images"]?.arrayValue ?? []).flatMap { image in
            ImageRows.names(image, digests: false).map { name -> [String] in
                let size = image["Size"]?.integerValue ?? 0
                let shared = max(0, image["SharedSize"]?.integerValue ?? 0)
                return [
                    name.repository, name.tag, (image["Id"]?.stringValue ?? "").shortIdentifier,
                    since(image["Created"]?.integerValue ?? 0), HumanUnits.size(Double(size), digits: 3),
                    HumanUnits.size(Double(shared)), HumanUnits.size(Double(size - shared)),
                    "\(image["Containers"]?.integerValue ?? 0)",
                ]
            }
        }
        return try table(
            [
                ("REPOSITORY", "Repository"), ("TAG", "Tag"), ("IMAGE ID", "ID"), ("CREATED", "CreatedSince"),
                ("SIZE", "Size"), ("SHARED SIZE", "SharedSize"), ("UNIQUE SIZE", "UniqueSize"),
                ("CONTAINERS", "Containers"),
            ], rows)
    }

    private func containers() throws -> String {
        let rows = (usage["Containers"]?.arrayValue ?? []).map { container -> [String] in
            let volumes = (container["Mounts"]?.arrayValue ?? []).filter {
                $0["Type"]?.stringValue == "volume"
            }
            let names = (container["Names"]?.arrayValue ?? []).compactMap(\.stringValue).map {
                $0.dropFirst()
            }
            return [
                (container["Id"]?.stringValue ?? "").shortIdentifier, container["Image"]?.stringValue ?? "",
                "\"\((container["Command"]?.stringValue ?? "").ellipsis(20))\"", "\(volumes.count)",
                HumanUnits.size(Double(container["SizeRw"]?.integerValue ?? 0), digits: 3),
                since(container["Created"]?.integerValue ?? 0), container["Status"]?.stringValue ?? "",
                names.joined(separator: ","),
            ]
        }
        return try table(
            [
                ("CONTAINER ID", "ID"), ("IMAGE", "Image"), ("COMMAND", "Command"),
                ("LOCAL VOLUMES", "LocalVolumes"), ("SIZE", "Size"), ("CREATED", "RunningFor"),
                ("STATUS", "Status"), ("NAMES", "Names"),
            ], rows)
    }

    private func volumes() throws -> String {
        let rows = (usage["Volumes"]?.arrayValue ?? []).map { volume in
            [
                volume["Name"]?.stringValue ?? "", "\(volume["UsageData"]?["RefCount"]?.integerValue ?? 0)",
                HumanUnits.size(Double(max(0, volume["UsageData"]?["Size"]?.integerValue ?? 0))),
            ]
        }
        return try table([("VOLUME NAME", "Name"), ("LINKS", "Links"), ("SIZE", "Size")], rows)
    }

    private func buildCache(_ entries: [JSONValue]) throws -> String {
        let rows = entries.map { entry -> [String] in
            let used = entry["LastUsedAt"]?.stringValue.flatMap { Timestamp(rfc3339: $0) }
            let made = entry["CreatedAt"]?.stringValue.flatMap { Timestamp(rfc3339: $0) }
            return [
                String((entry["ID"]?.stringValue ?? "").prefix(12)), entry["Type"]?.stringValue ?? "",
                HumanUnits.size(Double(entry["Size"]?.integerValue ?? 0), digits: 3),
                made.map { since($0.seconds) } ?? "", used.map { since($0.seconds) } ?? "",
                "\(entry["UsageCount"]?.integerValue ?? 0)", "\(entry["Shared"]?.boolValue ?? false)",
            ]
        }
        return try table(
            [
                ("CACHE ID", "ID"), ("CACHE TYPE", "CacheType"), ("SIZE", "Size"),
                ("CREATED", "CreatedSince"),
                ("LAST USED", "LastUsedSince"), ("USAGE", "UsageCount"), ("SHARED", "Shared"),
            ], rows)
    }
}
