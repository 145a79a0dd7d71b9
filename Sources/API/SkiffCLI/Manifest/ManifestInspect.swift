import JSONCodec
import OCIModel

/// `manifest inspect`
enum ManifestInspect {
    static let insecure = Flag("insecure", .bool, "Accepted; the daemon knows which registries are insecure")
    private static let verbose = Flag("verbose", "v", .bool, "Show names, descriptors and bytes too")

    static func command() -> Command {
        Command(
            paths: ["manifest inspect"], usage: "[OPTIONS] [MANIFEST_LIST] MANIFEST",
            summary: "Show a manifest or a list", flags: [insecure, verbose], arguments: .between(1, 2),
            run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        if invocation.arguments.count == 2 {
            var list = try invocation.manifestList(invocation.arguments[0])
            try list.load()
            guard let entry = try list.entry(invocation.arguments[1]) else {
                throw CommandError(.invalidArgument, "No such manifest: \(invocation.arguments[1])")
            }
            try show(entry, invocation)
            return 0
        }
        let reference = try Reference(invocation.arguments[0]).withDefaultTag
        var list = ManifestList(reference, configurationFolder: invocation.session.configurationFolder)
        if reference.digest == nil, list.exists {
            try list.load()
            try show(list.entries, invocation)
            return 0
        }
        let source = try invocation.manifests
        let fetched = try source.fetch(reference)
        if MediaType.isIndex(fetched.mediaType) {
            let entries = invocation.bool(verbose) ? try source.members(of: fetched, reference) : []
            try show(entries, invocation, raw: fetched.raw)
        } else if invocation.bool(verbose) {
            try show(try source.entry(reference), invocation)
        } else {
            invocation.session.output.line(try JSONValue(parsing: fetched.raw).text(.tabs))
        }
        return 0
    }

    private static func show(_ entry: ManifestEntry, _ invocation: Invocation) throws {
        let value = invocation.bool(verbose) ? try entry.document : try JSONValue(parsing: entry.raw)
        invocation.session.output.line(value.text(.tabs))
    }

    /// - Parameter raw: the list as a registry has it
    private static func show(
        _ entries: [ManifestEntry], _ invocation: Invocation, raw: [UInt8]? = nil
    ) throws {
        let output = invocation.session.output
        if invocation.bool(verbose) {
            output.line(JSONValue.array(try entries.map { try $0.document }).text(.tabs))
        } else if let raw {
            output.line(try JSONValue(parsing: raw).text(JSONValue.Style(indent: 3)))
        } else {
            output.line(ManifestList.document(entries))
        }
    }
}
