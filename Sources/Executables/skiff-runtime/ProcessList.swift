import Cgroups
import Glibc
import JSONCodec
import LinuxKernel

/// `ps [--format json|table] ID`: the container's processes as the host sees them.
enum ProcessList {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let options = try Options(
            words, flags: [], settings: ["format"], short: ["f": "format"], stopsAfter: 1)
        guard let id = options.positional.first else { throw CommandError("ps needs a container id") }
        guard options.positional.count == 1 else {
            throw CommandError("ps: options of ps are not built yet; use --format json for the process ids")
        }
        let record = try ContainerRecord(readingFrom: try context.directory(id), id: id)
        guard let group = try record.cgroupIfAny() else {
            throw CommandError("container \(id) has no control group of its own")
        }
        let processes = try cgroup { () throws(CgroupError) in try group.processes(recursive: true) }.sorted()
        switch options["format"] ?? "table" {
        case "json": try standardOutput(JSONValue.array(processes.map { .integer(Int64($0)) }).text())
        case "table":
            var rows = [["UID", "PID", "PPID", "CMD"]]
            for process in processes {
                if let row = row(process) { rows.append(row) }
            }
            try Table.write(rows)
        case let other: throw CommandError("--format \(other): must be table or json")
        }
        return 0
    }

    /// Nil where the process has ended meanwhile.
    private static func row(_ process: Int32) -> [String]? {
        guard let status = try? readFile("/proc/\(process)/status"),
            let line = try? readFile("/proc/\(process)/cmdline")
        else { return nil }
        var fields: [Substring: Substring] = [:]
        let text = String(decoding: status, as: UTF8.self)
        for entry in text.split(separator: "\n") {
            guard let colon = entry.firstIndex(of: ":") else { continue }
            fields[entry[..<colon]] = entry[entry.index(after: colon)...]
        }
        func first(_ name: Substring) -> String {
            fields[name]?.split(whereSeparator: { $0 == "\t" || $0 == " " }).first.map(String.init) ?? "?"
        }
        let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        let command = words.isEmpty ? "[\(first("Name"))]" : words.joined(separator: " ")
        return [first("Uid"), String(process), first("PPid"), command]
    }
}
