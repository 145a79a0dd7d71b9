import DockerAPI
import EngineClient
import JSONCodec
import OCIModel

/// `system df`
enum SystemDiskUsage {
    private static let format = Flag("format", .string, FormatHelp.list)
    private static let verbose = Flag("verbose", "v", .bool, "Show every image, container and volume")

    static func command() -> Command {
        Command(
            paths: ["system df"], usage: "[OPTIONS]", summary: "Show what the engine occupies on the disk",
            flags: [format, verbose], arguments: .none, run: run)
    }

    private static let headers = [
        "Type": "TYPE", "TotalCount": "TOTAL", "Active": "ACTIVE", "Size": "SIZE",
        "Reclaimable": "RECLAIMABLE",
    ]

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let usage = try invocation.client.json(EngineRequest(.get, "/system/df"))
        let output = invocation.session.output
        if invocation.bool(verbose) {
            let details = DiskUsageDetails(usage, now: .now)
            let text = invocation.string(format)
            if text.isEmpty || text == "table" {
                output.write(try details.text())
            } else {
                output.write(try ListFormat(text, table: "").render([details.record], headers: [:]))
            }
            return 0
        }
        let listFormat = try ListFormat(
            invocation.string(format),
            table: "{{.Type}}\\t{{.TotalCount}}\\t{{.Active}}\\t{{.Size}}\\t{{.Reclaimable}}")
        output.write(try listFormat.render(DiskUsageSummary(usage).rows, headers: headers))
        return 0
    }
}

/// The four lines of `system df`.
struct DiskUsageSummary {
    private let usage: JSONValue

    init(_ usage: JSONValue) { self.usage = usage }

    private func list(_ key: String) -> [JSONValue] { usage[key]?.arrayValue ?? [] }

    var rows: [ListRow] { [images, containers, volumes, buildCache] }

    private func row(
        _ type: String, total: Int, active: Int, size: Int64, reclaimable: Int64, showsShare: Bool = true
    ) -> ListRow {
        let share = showsShare && size > 0 ? " (\(reclaimable * 100 / size)%)" : ""
        return ListRow(
            "*formatter.diskUsageImagesContext",
            [
                ("Type", .string(type)), ("TotalCount", .string("\(total)")),
                ("Active", .string("\(active)")),
                ("Size", .string(HumanUnits.size(Double(size)))),
                ("Reclaimable", .string(HumanUnits.size(Double(reclaimable)) + share)),
            ])
    }

    private var images: ListRow {
        let images = list("Images")
        let used = images.filter { ($0["Containers"]?.integerValue ?? 0) > 0 }
        let total = usage["LayersSize"]?.integerValue ?? 0
        // What unused images have alone, and whatever no image needs, would become free.
        let own = used.reduce(Int64(0)) { sum, image in
            sum + (image["Size"]?.integerValue ?? 0) - max(0, image["SharedSize"]?.integerValue ?? 0)
        }
        let shared = used.map { max(0, $0["SharedSize"]?.integerValue ?? 0) }.max() ?? 0
        return row(
            "Images", total: images.count, active: used.count, size: total,
            reclaimable: max(0, total - own - shared))
    }

    private var containers: ListRow {
        let containers = list("Containers")
        let active = containers.filter {
            ["running", "paused", "restarting"].contains($0["State"]?.stringValue ?? "")
        }
        func size(_ list: [JSONValue]) -> Int64 { list.reduce(0) { $0 + ($1["SizeRw"]?.integerValue ?? 0) } }
        return row(
            "Containers", total: containers.count, active: active.count, size: size(containers),
            reclaimable: size(containers) - size(active))
    }

    private var volumes: ListRow {
        let volumes = list("Volumes")
        let active = volumes.filter { ($0["UsageData"]?["RefCount"]?.integerValue ?? 0) > 0 }
        func size(_ list: [JSONValue]) -> Int64 {
            list.reduce(0) { $0 + max(0, $1["UsageData"]?["Size"]?.integerValue ?? 0) }
        }
        return row(
            "Local Volumes", total: volumes.count, active: active.count, size: size(volumes),
            reclaimable: size(volumes) - size(active))
    }

    private var buildCache: ListRow {
        let entries = list("BuildCache")
        let active = entries.filter { $0["InUse"]?.boolValue == true }
        func size(_ list: [JSONValue]) -> Int64 {
            list.filter { $0["Shared"]?.boolValue != true }.reduce(0) { $0 + ($1["Size"]?.integerValue ?? 0) }
        }
        return row(
            "Build Cache", total: entries.count, active: active.count, size: size(entries),
            reclaimable: size(entries) - size(active), showsShare: false)
    }
}
