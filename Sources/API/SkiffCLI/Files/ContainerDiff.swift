import EngineClient
import Glibc
import JSONCodec
import LinuxKernel

/// `diff`
enum ContainerDiff {
    static func command() -> Command {
        Command(
            paths: ["container diff", "diff"], usage: "CONTAINER",
            summary: "Show what a container changed in its files", arguments: .exactly(1)
        ) { invocation in
            let answer = try invocation.client.json(.container(.get, invocation.arguments[0], "changes"))
            for change in answer.arrayValue ?? [] {
                let kind =
                    switch change["Kind"]?.integerValue {
                    case 1: "A"
                    case 2: "D"
                    default: "C"
                    }
                invocation.session.output.line("\(kind) \(change["Path"]?.stringValue ?? "")")
            }
            return 0
        }
    }
}

/// `export`
enum ContainerExport {
    private static let output = Flag("output", "o", .string, "Write to this file, not to standard output")

    static func command() -> Command {
        Command(
            paths: ["container export", "export"], usage: "[OPTIONS] CONTAINER",
            summary: "Write a container's files to an archive", flags: [output], arguments: .exactly(1),
            run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let path = invocation.string(output)
        try ArchiveOutput.check(path, "save", "failed to export container")
        let response = try invocation.client.send(
            try .container(.get, invocation.arguments[0], "export"))
        try ArchiveOutput.write(response, to: path, "failed to export container")
        return 0
    }
}

/// `commit`
enum ContainerCommit {
    private static let author = Flag("author", "a", .string, "Who made the image")
    private static let change = Flag("change", "c", .list, "Apply a Dockerfile instruction to the image")
    private static let message = Flag("message", "m", .string, "Comment of the image")
    private static let pause = Flag("pause", "p", .bool, "Pause the container meanwhile", initial: "true")
    private static let noPause = Flag("no-pause", .bool, "Let the container run meanwhile")

    static func command() -> Command {
        Command(
            paths: ["container commit", "commit"], usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
            summary: "Make an image of a container", flags: [author, change, message, pause, noPause],
            arguments: .between(1, 2), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var query: [(name: String, value: String)] = [("container", invocation.arguments[0].trimmed)]
        if invocation.arguments.count > 1 {
            let target = try ImportTarget(invocation.arguments[1])
            query += [("repo", target.repository), ("tag", target.tag)]
        }
        query += [("comment", invocation.string(message)), ("author", invocation.string(author))]
        for text in invocation.list(change) { query.append((name: "changes", value: text)) }
        let pauses = !invocation.bool(noPause) && (!invocation.isSet(pause) || invocation.bool(pause))
        query.append((name: "pause", value: pauses ? "1" : "0"))
        let answer = try invocation.client.json(EngineRequest(.post, "/commit", query: query))
        invocation.session.output.line(answer["Id"]?.stringValue ?? "")
        return 0
    }
}
