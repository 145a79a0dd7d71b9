import EngineClient

/// `save`
enum ImageSave {
    private static let output = Flag("output", "o", .string, "Write to this file, not to standard output")
    private static let platform = Flag("platform", .stringSlice, "Save only this platform's variant")

    static func command() -> Command {
        Command(
            paths: ["image save", "save"], usage: "[OPTIONS] IMAGE [IMAGE...]",
            summary: "Save images to an archive", flags: [output, platform], arguments: .atLeast(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let path = invocation.string(output)
        try ArchiveOutput.check(path, "save", "failed to save image")
        var query = invocation.arguments.map { (name: "names", value: $0) }
        for text in invocation.list(platform) { query += try PlatformArgument.query(text) }
        let response = try invocation.client.send(EngineRequest(.get, "/images/get", query: query))
        try ArchiveOutput.write(response, to: path, "failed to save image")
        return 0
    }
}
