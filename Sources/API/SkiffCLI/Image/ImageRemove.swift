import EngineClient
import JSONCodec
import OCIModel

/// `rmi`
enum ImageRemove {
    private static let force = Flag("force", "f", .bool, "Remove the image though it is in use")
    private static let keepParents = Flag("no-prune", .bool, "Keep parents that have no name")
    private static let platform = Flag("platform", .stringSlice, "Remove only this platform's variant")

    static func command() -> Command {
        Command(
            paths: ["image rm", "image remove", "rmi"], usage: "[OPTIONS] IMAGE [IMAGE...]",
            summary: "Remove images", flags: [force, keepParents, platform], arguments: .atLeast(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var query: [(name: String, value: String)] = []
        for text in invocation.list(platform) {
            query += try PlatformArgument.query(text, named: "platforms")
        }
        if invocation.bool(force) { query.append(("force", "1")) }
        if invocation.bool(keepParents) { query.append(("noprune", "1")) }
        var failures = FailureList()
        var fatal = false
        for image in invocation.arguments {
            do {
                let request = EngineRequest(.delete, "/images/\(ImagePath.escape(image))", query: query)
                for item in try invocation.client.json(request).arrayValue ?? [] {
                    if let id = item["Deleted"]?.stringValue {
                        invocation.session.output.line("Deleted: \(id)")
                    }
                    if let name = item["Untagged"]?.stringValue {
                        invocation.session.output.line("Untagged: \(name)")
                    }
                }
            } catch {
                let isMissing = (error as? EngineError)?.category == .notFound
                if !isMissing { fatal = true }
                failures.append(CommandError.text(of: error))
            }
        }
        invocation.session.output.flush()
        // What is missing need not be removed: with force that is only worth a message.
        guard fatal || !invocation.bool(force) else {
            for message in failures.messages { Output.error(message) }
            return 0
        }
        try failures.raise()
        return 0
    }
}

/// `tag`
enum ImageTag {
    static func command() -> Command {
        Command(
            paths: ["image tag", "tag"], usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
            summary: "Give an image a further name", arguments: .exactly(2), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let target = try ImportTarget(invocation.arguments[1])
        let path = "/images/\(ImagePath.escape(invocation.arguments[0]))/tag"
        try invocation.client.perform(
            EngineRequest(.post, path, query: [("repo", target.repository), ("tag", target.tag)]))
        return 0
    }
}
