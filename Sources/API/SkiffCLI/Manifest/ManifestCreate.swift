import OCIModel

/// `manifest create`
enum ManifestCreate {
    private static let amend = Flag("amend", "a", .bool, "Add to a list that exists")

    static func command() -> Command {
        Command(
            paths: ["manifest create"], usage: "MANIFEST_LIST MANIFEST [MANIFEST...]",
            summary: "Put manifests together to a list", flags: [amend, ManifestInspect.insecure],
            arguments: .atLeast(2), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let list = try invocation.manifestList(invocation.arguments[0])
        guard !list.exists || invocation.bool(amend) else {
            throw CommandError(
                .invalidArgument, "refusing to amend an existing manifest list with no --amend flag")
        }
        // All of them are looked at before anything is kept.
        let source = try invocation.manifests
        let entries = try invocation.arguments.dropFirst().map { name in
            try source.entry(try Reference(name).withDefaultTag)
        }
        for entry in entries { try list.save(entry) }
        invocation.session.output.line("Created manifest list \(list.reference.familiar)")
        return 0
    }
}

extension Invocation {
    var manifests: ManifestSource {
        get throws { ManifestSource(session: session, client: try client) }
    }

    func manifestList(_ name: String) throws -> ManifestList {
        let reference = try Reference(name)
        guard reference.digest == nil else {
            throw CommandError(.invalidArgument, "a manifest list has a tag, not a digest: \(name)")
        }
        return ManifestList(reference, configurationFolder: session.configurationFolder)
    }
}
