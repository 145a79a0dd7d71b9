import EngineClient
import GoTemplate
import JSONCodec
import OCIModel
import Glibc

/// `stats`
enum ContainerStats {
    private static let all = Flag("all", "a", .bool, "Show stopped containers too")
    private static let format = Flag("format", .string, FormatHelp.list)
    private static let noStream = Flag("no-stream", .bool, "Print once and end")
    private static let noTruncation = Flag("no-trunc", .bool, "Print everything in full length")

    static func command() -> Command {
        Command(
            paths: ["container stats", "stats"], usage: "[OPTIONS] [CONTAINER...]",
            summary: "Show what containers use, as it changes",
            flags: [all, format, noStream, noTruncation], arguments: .any, run: run)
    }

    private static let table =
        "{{.ID}}\\t{{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}\\t{{.MemPerc}}\\t{{.NetIO}}\\t{{.BlockIO}}\\t{{.PIDs}}"

    private static let headers = [
        "Container": "CONTAINER", "ID": "CONTAINER ID", "Name": "NAME", "CPUPerc": "CPU %",
        "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %", "NetIO": "NET I/O", "BlockIO": "BLOCK I/O",
        "PIDs": "PIDS",
    ]

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let listFormat = try ListFormat(invocation.string(format), table: table)
        let isTruncated = !invocation.bool(noTruncation)
        let isTerminal = RawTerminal.isTerminal(1)
        var before = try samples(invocation)
        if isTerminal, !invocation.bool(noStream) { invocation.session.output.write("\u{1B}[2J") }
        while true {
            usleep(1_000_000)
            let now = try samples(invocation)
            let rows = now.map { sample in
                row(sample, before: before.first { $0.id == sample.id }, truncated: isTruncated)
            }
            let text = try listFormat.render(rows, headers: headers)
            show(text, invocation.session.output, redraws: isTerminal && !invocation.bool(noStream))
            if invocation.bool(noStream) { return 0 }
            before = now
        }
    }

    private static func show(_ text: String, _ output: Output, redraws: Bool) {
        if redraws {
            // Home, each line erased behind its end, then the rest of the screen.
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            output.write("\u{1B}[H" + lines.map { "\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J")
        } else {
            output.write(text)
        }
        output.flush()
    }

    private struct Sample {
        /// As the user named it.
        let reference: String
        let stats: JSONValue

        var id: String { stats["id"]?.stringValue ?? reference }
    }

    /// One measurement of each container.
    private static func samples(_ invocation: Invocation) throws -> [Sample] {
        var failures = FailureList()
        var samples: [Sample] = []
        let isNamed = !invocation.arguments.isEmpty
        for reference in try references(invocation) {
            do {
                let request = try EngineRequest.container(
                    .get, reference, "stats", query: [("stream", "0"), ("one-shot", "1")])
                samples.append(Sample(reference: reference, stats: try invocation.client.json(request)))
            } catch let error as EngineError where error.category == .notFound && !isNamed {
                // Removed since it was listed.
                continue
            } catch {
                failures.append(CommandError.text(of: error))
            }
        }
        try failures.raise()
        return samples
    }

    private static func references(_ invocation: Invocation) throws -> [String] {
        if !invocation.arguments.isEmpty { return invocation.arguments }
        let query: [(name: String, value: String)] = invocation.bool(all) ? [("all", "1")] : []
        let list = try invocation.client.json(EngineRequest(.get, "/containers/json", query: query))
        return (list.arrayValue ?? []).compactMap { $0["Id"]?.stringValue }
    }

    // MARK: Figures

    private static func row(_ sample: Sample, before: Sample?, truncated: Bool) -> ListRow {
        let stats = sample.stats
        let name = stats["name"]?.stringValue ?? ""
        let id = truncated ? sample.id.shortIdentifier : sample.id
        let memory = memory(stats["memory_stats"])
        let network = network(stats["networks"])
        let disk = disk(stats["blkio_stats"]?["io_service_bytes_recursive"])
        func pair(_ first: Double, _ second: Double) -> JSONValue {
            .string("\(HumanUnits.size(first, digits: 3)) / \(HumanUnits.size(second, digits: 3))")
        }
        let share = memory.limit > 0 ? memory.used / memory.limit * 100 : 0
        return ListRow(
            "container.statsContext",
            [
                ("Container", .string(sample.reference == sample.id ? id : sample.reference)),
                ("ID", .string(id)),
                ("Name", .string(name.hasPrefix("/") ? String(name.dropFirst()) : name)),
                ("CPUPerc", .string(percent(processors(stats["cpu_stats"], before?.stats["cpu_stats"])))),
                (
                    "MemUsage",
                    .string("\(HumanUnits.binarySize(memory.used)) / \(HumanUnits.binarySize(memory.limit))")
                ),
                ("MemPerc", .string(percent(share))), ("NetIO", pair(network.received, network.sent)),
                ("BlockIO", pair(disk.read, disk.written)),
                ("PIDs", .string("\(stats["pids_stats"]?["current"]?.integerValue ?? 0)")),
            ])
    }

    private static func percent(_ value: Double) -> String { FixedPoint.text(value, digits: 2) + "%" }

    /// Of one processor: 200 with two of them busy.
    private static func processors(_ now: JSONValue?, _ before: JSONValue?) -> Double {
        guard let now, let before else { return 0 }
        func total(_ value: JSONValue) -> Double { value["cpu_usage"]?["total_usage"]?.doubleValue ?? 0 }
        func system(_ value: JSONValue) -> Double { value["system_cpu_usage"]?.doubleValue ?? 0 }
        let (used, passed) = (total(now) - total(before), system(now) - system(before))
        guard used > 0, passed > 0 else { return 0 }
        return used / passed * (now["online_cpus"]?.doubleValue ?? 1) * 100
    }

    /// Without what the kernel would give up at once: files that nobody uses.
    private static func memory(_ stats: JSONValue?) -> (used: Double, limit: Double) {
        let usage = stats?["usage"]?.doubleValue ?? 0
        let details = stats?["stats"]
        let idle = (details?["total_inactive_file"] ?? details?["inactive_file"])?.doubleValue ?? 0
        return (idle < usage ? usage - idle : usage, stats?["limit"]?.doubleValue ?? 0)
    }

    private static func network(_ stats: JSONValue?) -> (received: Double, sent: Double) {
        var sum = (received: 0.0, sent: 0.0)
        for (_, interface) in stats?.objectValue ?? JSONObject() {
            sum.received += interface["rx_bytes"]?.doubleValue ?? 0
            sum.sent += interface["tx_bytes"]?.doubleValue ?? 0
        }
        return sum
    }

    private static func disk(_ entries: JSONValue?) -> (read: Double, written: Double) {
        var sum = (read: 0.0, written: 0.0)
        for entry in entries?.arrayValue ?? [] {
            let value = entry["value"]?.doubleValue ?? 0
            switch entry["op"]?.stringValue?.lowercased() {
            case "read": sum.read += value
            case "write": sum.written += value
            default: break
            }
        }
        return sum
    }
}
