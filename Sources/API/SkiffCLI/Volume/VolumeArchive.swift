import EngineClient
import JSONCodec

/// `volume export`, which Docker does not have.
enum VolumeExport {
    private static let output = Flag("output", "o", .string, "Write to this file, not to standard output")

    static func command() -> Command {
        Command(
            paths: ["volume export"], usage: "[OPTIONS] VOLUME",
            summary: "Write a volume's files to an archive",
            flags: [VolumeCopy.noPause, output], arguments: .exactly(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let path = invocation.string(output)
        try ArchiveOutput.check(path, "export", "failed to export volume")
        let query = invocation.bool(VolumeCopy.noPause) ? [(name: "pause", value: "0")] : []
        let response = try invocation.client.send(
            EngineRequest(.get, VolumeCopy.path(invocation.arguments[0], "export"), query: query))
        try ArchiveOutput.write(response, to: path, "failed to export volume")
        return 0
    }
}

/// `volume import`, which Docker does not have.
enum VolumeImport {
    static func command() -> Command {
        Command(
            paths: ["volume import"], usage: "VOLUME [FILE|-]",
            summary: "Make a volume of an archive, from a file or standard input", arguments: .between(1, 2),
            run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let path = invocation.arguments.count > 1 ? invocation.arguments[1] : "-"
        if path == "-", RawTerminal.isTerminal(0) {
            throw CommandError(
                .invalidArgument,
                "requested import from stdin, but stdin is a terminal: give a file, or redirect")
        }
        let reader = try ArchiveReader(path: path)
        let response = try invocation.client.upload(
            EngineRequest(
                .post, "/skiff/volumes/import", query: [("name", invocation.arguments[0])]),
            contentType: "application/x-tar"
        ) { try reader.next() }
        let answer = try response.readJSON()
        invocation.session.output.line(answer["Name"]?.stringValue ?? "")
        return 0
    }
}
