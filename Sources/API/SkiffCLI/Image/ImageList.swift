import DockerAPI
import EngineClient
import GoTemplate
import JSONCodec
import OCIModel

/// `images`
enum ImageList {
    private static let all = Flag("all", "a", .bool, "Show intermediate images too")
    private static let digests = Flag("digests", .bool, "Show digests")
    private static let format = Flag("format", .string, FormatHelp.list)
    private static let noTruncation = Flag("no-trunc", .bool, "Print everything in full length")
    private static let quiet = Flag("quiet", "q", .bool, "Print identifiers only")
    private static let tree = Flag("tree", .bool, "Show images of several platforms as a tree", hidden: true)

    static func command() -> Command {
        Command(
            paths: ["image ls", "image list", "images"], usage: "[OPTIONS] [REPOSITORY[:TAG]]",
            summary: "List images",
            flags: [all, digests, FilterArgument.flag, format, noTruncation, quiet, tree],
            arguments: .atMost(1), run: run)
    }

    private static let headers = [
        "ID": "IMAGE ID", "Repository": "REPOSITORY", "Tag": "TAG", "Digest": "DIGEST",
        "CreatedSince": "CREATED",
        "CreatedAt": "CREATED AT", "Size": "SIZE", "Containers": "CONTAINERS", "VirtualSize": "SIZE",
        "SharedSize": "SHARED SIZE", "UniqueSize": "UNIQUE SIZE",
    ]

    private static func run(_ invocation: Invocation) throws -> Int32 {
        if invocation.bool(tree),
            invocation.isSet(format) || invocation.bool(quiet) || invocation.bool(digests)
        {
            throw CommandError(
                .invalidArgument, "--tree cannot be combined with --format, --quiet and --digests")
        }
        var text = invocation.string(format)
        if text.isEmpty, !invocation.bool(quiet) {
            text = ConfigurationFile(invocation.session.configurationFolder).imagesFormat
        }
        let showsDigest = invocation.bool(digests)
        let table =
            "{{.Repository}}\\t{{.Tag}}\\t" + (showsDigest ? "{{.Digest}}\\t" : "")
            + "{{.ID}}\\t{{if .CreatedSince}}{{.CreatedSince}}{{else}}N/A{{end}}\\t{{.Size}}"
        let raw =
            "repository: {{.Repository}}\ntag: {{.Tag}}\n" + (showsDigest ? "digest: {{.Digest}}\n" : "")
            + "image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n"
        let idOnly = text == "raw" ? "image_id: {{.ID}}" : "{{.ID}}"
        let listFormat = try ListFormat(
            text, table: table, raw: raw, quiet: invocation.bool(quiet) ? idOnly : nil)
        var filters = invocation.list(FilterArgument.flag)
        if let reference = invocation.arguments.first { filters.append("reference=\(reference)") }
        var query: [(name: String, value: String)] = []
        if invocation.bool(all) { query.append(("all", "1")) }
        if let item = FilterArgument.query(filters) { query.append(item) }
        let list = try invocation.client.json(EngineRequest(.get, "/images/json", query: query))
        if invocation.bool(tree) {
            invocation.session.output.write(
                try ImageTree(try invocation.client).text(list.arrayValue ?? []))
            return 0
        }
        let now = Timestamp.now
        let needsDigest = showsDigest || text.contains(".Digest")
        let rows = (list.arrayValue ?? []).flatMap { image in
            ImageRows.names(
                image, digests: needsDigest && !invocation.bool(quiet), ownRows: showsDigest
            ).map { name in
                ImageRows.row(image, name, truncated: !invocation.bool(noTruncation), now: now)
            }
        }
        invocation.session.output.write(try listFormat.render(rows, headers: headers))
        return 0
    }
}

/// The rows of one image: one for each of its names.
enum ImageRows {
    struct Name: Equatable {
        var repository = "<none>"
        var tag = "<none>"
        var digest = "<none>"
    }

    /// - Parameters:
    ///   - digests: whether each digest of a tag's repository gets a row of its own
    ///   - ownRows: whether a digest without a tag is shown, in a row of its own
    static func names(_ image: JSONValue, digests: Bool, ownRows: Bool = false) -> [Name] {
        func texts(_ key: String) -> [String] { (image[key]?.arrayValue ?? []).compactMap(\.stringValue) }
        let tags = texts("RepoTags").filter { $0 != "<none>:<none>" }.compactMap { try? Reference($0) }
        var found = texts("RepoDigests").filter { $0 != "<none>@<none>" }.compactMap { try? Reference($0) }
        guard !tags.isEmpty || !found.isEmpty else { return [Name()] }
        var names: [Name] = []
        for tag in tags {
            let own = digests ? found.filter { $0.familiarName == tag.familiarName } : []
            let values = own.isEmpty ? ["<none>"] : own.map { $0.digest?.description ?? "<none>" }
            for value in values {
                names.append(Name(repository: tag.familiarName, tag: tag.tag ?? "<none>", digest: value))
            }
        }
        let tagged = Set(tags.map(\.familiarName))
        found.removeAll { tagged.contains($0.familiarName) }
        for rest in found {
            let name = Name(
                repository: rest.familiarName,
                digest: ownRows ? rest.digest?.description ?? "<none>" : "")
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    static func row(_ image: JSONValue, _ name: Name, truncated: Bool, now: Timestamp) -> ListRow {
        let id = image["Id"]?.stringValue ?? ""
        let created = image["Created"]?.integerValue ?? 0
        let size = image["Size"]?.doubleValue ?? 0
        let shared = image["SharedSize"]?.integerValue ?? -1
        let containers = image["Containers"]?.integerValue ?? -1
        let moment = Timestamp(seconds: created)
        let since = moment > .zero ? HumanDuration.text(seconds: now.seconds - created) + " ago" : ""
        let fields: [(name: String, value: JSONValue)] = [
            ("ID", .string(truncated ? id.shortIdentifier : id)), ("Repository", .string(name.repository)),
            ("Tag", .string(name.tag)), ("Digest", .string(name.digest)), ("CreatedSince", .string(since)),
            ("CreatedAt", .string(LocalTime.goString(moment))),
            ("Size", .string(HumanUnits.size(size, digits: 3))),
            ("VirtualSize", .string(HumanUnits.size(size))),
            ("Containers", .string(containers < 0 ? "N/A" : "\(containers)")),
            ("SharedSize", .string(shared < 0 ? "N/A" : HumanUnits.size(Double(shared)))),
            ("UniqueSize", .string(shared < 0 ? "N/A" : HumanUnits.size(size - Double(shared)))),
        ]
        return ListRow("*formatter.imageContext", fields)
    }
}
