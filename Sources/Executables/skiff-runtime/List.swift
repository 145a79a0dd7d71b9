import JSONCodec
import OCIModel

/// `list [-q] [-f json|table]`
enum List {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let options = try Options(
            words, flags: ["quiet"], settings: ["format"], short: ["q": "quiet", "f": "format"])
        var rows: [[String]] = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]]
        var values: [JSONValue] = []
        for id in try StateDirectory.identifiers(context.root) {
            let directory = "\(context.root)/\(id)"
            // Half made or on its way out: another command is at work on it.
            guard let record = try? ContainerRecord(readingFrom: directory, id: id) else { continue }
            let status = try record.status(in: directory)
            let pid = status == .stopped ? 0 : record.pid
            let owner = record.owner == 0 ? "root" : String(record.owner)
            rows.append([id, String(pid), status.rawValue, record.bundle, record.created.description, owner])
            values.append([
                "ociVersion": .string(RuntimeSpec.currentVersion), "id": .string(id),
                "pid": .integer(Int64(pid)),
                "status": .string(status.rawValue), "bundle": .string(record.bundle),
                "rootfs": .string(record.rootFilesystem), "created": .string(record.created.description),
                "owner": .string(owner),
            ])
        }
        switch options["format"] ?? "table" {
        case _ where options.has("quiet"):
            for row in rows.dropFirst() { try standardOutput(row[0]) }
        case "json": try standardOutput(JSONValue.array(values).text())
        case "table": try Table.write(rows)
        case let other: throw CommandError("--format \(other): must be table or json")
        }
        return 0
    }
}

enum Table {
    /// Columns as wide as their widest cell and two spaces.
    static func write(_ rows: [[String]]) throws(CommandError) {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column + 1 < row.count {
                    line += String(repeating: " ", count: widths[column] - cell.count + 2)
                }
            }
            try standardOutput(line)
        }
    }
}
