import EngineClient
import JSONCodec
import OCIModel

/// `push`
enum ImagePush {
    private static let all = Flag("all-tags", "a", .bool, "Push every tag of the repository")
    private static let trust = Flag(
        "disable-content-trust", .bool, "Accepted; nothing is signed", initial: "true", hidden: true)
    private static let platform = Flag("platform", .string, "Push one platform only")
    private static let quiet = Flag("quiet", "q", .bool, "Print the image's name only")

    static func command() -> Command {
        Command(
            paths: ["image push", "push"], usage: "[OPTIONS] NAME[:TAG]",
            summary: "Send an image to a registry",
            flags: [all, trust, platform, quiet], arguments: .exactly(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let reference = try Reference(invocation.arguments[0])
        let isAll = invocation.bool(all)
        guard !isAll || reference.isNameOnly else {
            throw CommandError(.invalidArgument, "tag can't be used with --all-tags/-a")
        }
        guard reference.digest == nil else {
            throw CommandError(.invalidArgument, "cannot push a digest reference")
        }
        let session = invocation.session
        if reference.isNameOnly, !isAll, !invocation.bool(quiet) {
            session.output.line("Using default tag: \(Reference.defaultTag)")
            session.output.flush()
        }
        var query: [(name: String, value: String)] = []
        if !isAll { query.append(("tag", reference.tag ?? Reference.defaultTag)) }
        query += try PlatformArgument.query(invocation.string(platform))
        var request = EngineRequest(
            .post, "/images/\(ImagePath.escape(reference.familiarName))/push", query: query)
        request.headers.append(try session.registryAuth(reference.domain))
        let response = try session.client.send(request)
        var printer = ProgressPrinter(descriptor: 1, quiet: invocation.bool(quiet))
        while let message = try response.nextJSONLine() { try printer.show(message) }
        if invocation.bool(quiet) {
            session.output.line(isAll ? reference.familiarName : reference.withDefaultTag.description)
        }
        return 0
    }
}
