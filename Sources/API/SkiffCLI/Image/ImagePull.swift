import EngineClient
import JSONCodec
import OCIModel

/// `pull`; also what `run` and `create` do for an image that is not there.
enum ImagePull {
    private static let all = Flag("all-tags", "a", .bool, "Pull every tag of the repository")
    private static let trust = Flag(
        "disable-content-trust", .bool, "Accepted; nothing is verified", initial: "true", hidden: true)
    private static let platform = Flag("platform", .string, "Platform of the image, such as linux/arm64")
    private static let quiet = Flag("quiet", "q", .bool, "Print the image's name only")

    static func command() -> Command {
        Command(
            paths: ["image pull", "pull"], usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
            summary: "Fetch an image from a registry", flags: [all, trust, platform, quiet],
            arguments: .exactly(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let reference = try Reference(invocation.arguments[0])
        let isAll = invocation.bool(all)
        guard !isAll || reference.isNameOnly else {
            throw CommandError(.invalidArgument, "tag can't be used with --all-tags/-a")
        }
        let output = invocation.session.output
        if reference.isNameOnly, !isAll, !invocation.bool(quiet) {
            output.line("Using default tag: \(Reference.defaultTag)")
            output.flush()
        }
        try fetch(
            reference, allTags: isAll, platform: invocation.string(platform),
            ProgressPrinter(descriptor: 1, quiet: invocation.bool(quiet)), invocation.session)
        output.line(isAll ? reference.name : reference.withDefaultTag.description)
        return 0
    }

    /// For `run` and `create`: progress goes to standard error.
    /// - Throws: `CommandError` with what the daemon reports
    static func pull(_ image: String, platform: String, quiet: Bool, _ session: Session) throws {
        try fetch(
            try Reference(image), allTags: false, platform: platform,
            ProgressPrinter(descriptor: 2, quiet: quiet),
            session)
    }

    private static func fetch(
        _ reference: Reference, allTags: Bool, platform: String, _ printer: ProgressPrinter,
        _ session: Session
    ) throws {
        var query: [(name: String, value: String)] = [("fromImage", reference.name)]
        if let digest = reference.digest {
            query.append(("tag", digest.description))
        } else if !allTags {
            query.append(("tag", reference.tag ?? Reference.defaultTag))
        }
        if !platform.isEmpty { query.append(("platform", platform)) }
        var request = EngineRequest(.post, "/images/create", query: query)
        request.headers.append(try session.registryAuth(reference.domain))
        let response = try session.client.send(request)
        var printer = printer
        while let message = try response.nextJSONLine() { try printer.show(message) }
    }
}

extension Session {
    /// The field that says to the daemon who the user is for a registry.
    func registryAuth(_ domain: String) throws -> (name: String, value: String) {
        try RegistryCredentialStore(folder: configurationFolder)
            .field(for: RegistryCredentialStore.server(of: domain))
    }
}
