import GoTemplate
import DockerAPI
import EngineClient
import JSONCodec
import OCIModel

/// `history`
enum ImageHistory {
    private static let format = Flag("format", .string, FormatHelp.list)
    private static let human = Flag("human", "H", .bool, "Print sizes and times for people", initial: "true")
    private static let noTruncation = Flag("no-trunc", .bool, "Print everything in full length")
    private static let platform = Flag("platform", .string, "Platform of the image (os[/arch[/variant]])")
    private static let quiet = Flag("quiet", "q", .bool, "Print identifiers only")

    static func command() -> Command {
        Command(
            paths: ["image history", "history"], usage: "[OPTIONS] IMAGE",
            summary: "Show how an image was made",
            flags: [format, human, noTruncation, platform, quiet], arguments: .exactly(1), run: run)
    }

    private static let headers = [
        "ID": "IMAGE", "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "CreatedBy": "CREATED BY",
        "Size": "SIZE", "Comment": "COMMENT",
    ]

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let isHuman = invocation.bool(human)
        let table =
            "{{.ID}}\\t{{\(isHuman ? ".CreatedSince" : ".CreatedAt")}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}"
        let listFormat = try ListFormat(
            invocation.string(format), table: table, quiet: invocation.bool(quiet) ? "{{.ID}}" : nil)
        let query = try PlatformArgument.query(invocation.string(platform))
        let request = EngineRequest(
            .get, "/images/\(ImagePath.escape(invocation.arguments[0]))/history", query: query)
        let list = try invocation.client.json(request)
        let now = Timestamp.now
        let isTruncated = !invocation.bool(noTruncation)
        let rows = (list.arrayValue ?? []).map { row($0, human: isHuman, truncated: isTruncated, now: now) }
        invocation.session.output.write(try listFormat.render(rows, headers: headers))
        return 0
    }

    private static func row(_ entry: JSONValue, human: Bool, truncated: Bool, now: Timestamp) -> ListRow {
        let id = entry["Id"]?.stringValue ?? ""
        let created = entry["Created"]?.integerValue ?? 0
        let by = (entry["CreatedBy"]?.stringValue ?? "").split(
            separator: "\t", omittingEmptySubsequences: false
        )
        .joined(separator: " ")
        let size = entry["Size"]?.integerValue ?? 0
        let moment = Timestamp(seconds: created)
        let isNever = moment <= .zero
        let fields: [(name: String, value: JSONValue)] = [
            ("ID", .string(truncated ? id.shortIdentifier : id)),
            (
                "CreatedSince",
                .string(isNever ? "N/A" : HumanDuration.text(seconds: now.seconds - created) + " ago")
            ),
            ("CreatedAt", .string(isNever ? "N/A" : LocalTime.rfc3339(moment))),
            ("CreatedBy", .string(truncated ? by.ellipsis(45) : by)),
            ("Size", .string(human ? HumanUnits.size(Double(size), digits: 3) : "\(size)")),
            ("Comment", .string(entry["Comment"]?.stringValue ?? "")),
        ]
        return ListRow("*formatter.historyContext", fields)
    }
}

/// Names of images as parts of request paths: slashes and colons stay.
enum ImagePath {
    static func escape(_ name: String) -> String { EngineRequest.escape(name, keeping: "/:@") }
}

/// `--platform` as the API takes it: an object.
enum PlatformArgument {
    /// - Throws: `CommandError` where the text is no platform; the empty text asks for none
    static func query(
        _ text: String, named name: String = "platform"
    ) throws(CommandError) -> [(name: String, value: String)] {
        guard !text.isEmpty else { return [] }
        guard let platform = Platform(text) else {
            throw CommandError(
                .invalidArgument,
                "invalid platform: \(GoPrinter.quoted(text)) is not of the form os[/arch[/variant]]")
        }
        var object = JSONObject()
        object["architecture"] = .string(platform.architecture)
        object["os"] = .string(platform.os)
        if let variant = platform.variant { object["variant"] = .string(variant) }
        return [(name, JSONValue.object(object).text())]
    }
}
