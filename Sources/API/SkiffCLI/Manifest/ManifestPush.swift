import EngineClient
import JSONCodec
import OCIModel

/// `manifest push`
enum ManifestPush {
    private static let purge = Flag("purge", "p", .bool, "Forget the list here afterwards")

    static func command() -> Command {
        Command(
            paths: ["manifest push"], usage: "[OPTIONS] MANIFEST_LIST",
            summary: "Send a list to its registry", flags: [ManifestInspect.insecure, purge],
            arguments: .exactly(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var list = try invocation.manifestList(invocation.arguments[0])
        try list.load()
        let others = list.entries.filter { $0.reference.name != list.reference.name }
        let sources = others.map { $0.reference.with(digest: $0.descriptor.digest) }
        let body: JSONValue = [
            "mediaType": .string(list.mediaType), "manifest": .string(list.document),
            "sources": .array(sources.map { .string($0.description) }),
        ]
        var request = EngineRequest(
            .post, "/distribution/\(ImagePath.escape(list.reference.description))/manifest", body: body)
        request.headers.append(try invocation.session.registryAuth(list.reference.domain))
        let answer = try invocation.client.json(request)
        for source in sources {
            guard let digest = source.digest else { continue }
            invocation.session.output.line(
                "Pushed ref \(list.reference.familiarName)@\(digest) with digest: \(digest)")
        }
        if invocation.bool(purge) { try list.remove() }
        invocation.session.output.line(answer["Digest"]?.stringValue ?? "")
        return 0
    }
}

/// `manifest rm`
enum ManifestRemove {
    static func command() -> Command {
        Command(
            paths: ["manifest rm"], usage: "MANIFEST_LIST [MANIFEST_LIST...]",
            summary: "Forget lists that were put together", arguments: .atLeast(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var failures = FailureList()
        for name in invocation.arguments {
            failures.attempt { try invocation.manifestList(name).remove() }
        }
        try failures.raise()
        return 0
    }
}
