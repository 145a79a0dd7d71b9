import EngineClient
import GoTemplate
import JSONCodec
import OCIModel

/// `volume snapshot create`, `ls`, `restore`, `rm`, which Docker does not have.
enum VolumeSnapshot {
    private static let format = Flag("format", .string, FormatHelp.list)
    private static let quiet = Flag("quiet", "q", .bool, "Print names only")

    static func create() -> Command {
        Command(
            paths: ["volume snapshot create"], usage: "[OPTIONS] VOLUME [SNAPSHOT]",
            summary: "Keep what a volume holds now; the name is the time where none is given",
            flags: [VolumeCopy.noPause], arguments: .between(1, 2)
        ) { invocation in
            let volume = invocation.arguments[0]
            let name = invocation.arguments.count > 1 ? invocation.arguments[1] : timeName(.now)
            return try VolumeCopy.run(
                invocation, VolumeCopy.path(volume, "snapshots"), query: [("name", name)], name: name)
        }
    }

    /// `20260102T030405Z`: sorted by name they are sorted by time.
    static func timeName(_ time: Timestamp) -> String {
        Timestamp(seconds: time.seconds).description.filter { $0 != "-" && $0 != ":" }
    }

    static func restore() -> Command {
        Command(
            paths: ["volume snapshot restore"], usage: "VOLUME SNAPSHOT",
            summary: "Put a snapshot's files in the place of the volume's", arguments: .exactly(2)
        ) { invocation in
            let (volume, snapshot) = (invocation.arguments[0], invocation.arguments[1])
            return try VolumeCopy.run(invocation, path(volume, snapshot) + "/restore", name: volume)
        }
    }

    static func remove() -> Command {
        Command(
            paths: ["volume snapshot rm", "volume snapshot remove"], usage: "VOLUME SNAPSHOT [SNAPSHOT...]",
            summary: "Remove snapshots of a volume", arguments: .atLeast(2)
        ) { invocation in
            var failures = FailureList()
            for snapshot in invocation.arguments.dropFirst() {
                failures.attempt {
                    try invocation.client.perform(
                        EngineRequest(.delete, path(invocation.arguments[0], snapshot)))
                    invocation.session.output.line(snapshot)
                    invocation.session.output.flush()
                }
            }
            try failures.raise()
            return 0
        }
    }

    private static func path(_ volume: String, _ snapshot: String) throws(CommandError) -> String {
        guard !snapshot.trimmed.isEmpty else {
            throw CommandError(.invalidArgument, "invalid snapshot name: value is empty")
        }
        return try VolumeCopy.path(volume, "snapshots/\(EngineRequest.escape(snapshot))")
    }

    // MARK: List

    static func list() -> Command {
        Command(
            paths: ["volume snapshot ls", "volume snapshot list"], usage: "[OPTIONS] VOLUME",
            summary: "List the snapshots of a volume", flags: [format, quiet], arguments: .exactly(1)
        ) { invocation in
            let listFormat = try ListFormat(
                invocation.string(format), table: "{{.Name}}\\t{{.CreatedAt}}\\t{{.Size}}",
                quiet: invocation.bool(quiet) ? "{{.Name}}" : nil)
            let path = try VolumeCopy.path(invocation.arguments[0], "snapshots")
            let rows = (try invocation.client.json(EngineRequest(.get, path)).arrayValue ?? []).map(row)
            let headers = ["Name": "SNAPSHOT", "CreatedAt": "CREATED AT", "Size": "SIZE"]
            invocation.session.output.write(try listFormat.render(rows, headers: headers))
            return 0
        }
    }

    private static func row(_ snapshot: JSONValue) -> ListRow {
        let created = Timestamp(rfc3339: snapshot["CreatedAt"]?.stringValue ?? "") ?? .zero
        return ListRow(
            "*snapshot",
            [
                ("Name", .string(snapshot["Name"]?.stringValue ?? "")),
                ("CreatedAt", .string(LocalTime.goString(created))),
                ("Size", .string(HumanUnits.size(snapshot["Size"]?.doubleValue ?? 0))),
            ])
    }
}
