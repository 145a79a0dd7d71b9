import EngineClient
import JSONCodec
import OCIModel

/// `image prune`
enum ImagePrune {
    private static let all = Flag("all", "a", .bool, "Remove every image that no container uses")
    private static let force = Flag("force", "f", .bool, "Do not ask")
    private static let filter = Flag(
        "filter", .filter, "Remove only what fits this condition, such as until=24h")

    static func command() -> Command {
        Command(
            paths: ["image prune"], usage: "[OPTIONS]", summary: "Remove unused images",
            flags: [all, filter, force], arguments: .none, run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        if !invocation.bool(force) {
            let what =
                invocation.bool(all)
                ? "all images without at least one container associated to them." : "all dangling images."
            let question = "WARNING! This will remove \(what)\nAre you sure you want to continue?"
            guard try TerminalPrompt.confirms(question) else {
                throw CommandError(.invalidArgument, "image prune has been cancelled")
            }
        }
        let (lines, reclaimed) = try prune(
            all: invocation.bool(all), filters: invocation.list(filter), invocation.client)
        for line in lines { invocation.session.output.line(line) }
        invocation.session.output.line("Total reclaimed space: \(HumanUnits.size(Double(reclaimed)))")
        return 0
    }

    /// - Returns: what to print of it, and the bytes that became free
    static func prune(
        all: Bool, filters: [String], _ client: EngineClient
    ) throws -> (lines: [String], reclaimed: Int64) {
        let texts = filters + ["dangling=\(all ? "false" : "true")"]
        let query = FilterArgument.query(texts).map { [$0] } ?? []
        let answer = try client.json(EngineRequest(.post, "/images/prune", query: query))
        var lines: [String] = []
        for item in answer["ImagesDeleted"]?.arrayValue ?? [] {
            if let name = item["Untagged"]?.stringValue { lines.append("untagged: \(name)") }
            if let id = item["Deleted"]?.stringValue { lines.append("deleted: \(id)") }
        }
        if !lines.isEmpty { lines = ["Deleted Images:"] + lines + [""] }
        return (lines, answer["SpaceReclaimed"]?.integerValue ?? 0)
    }
}
