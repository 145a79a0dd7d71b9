import EngineClient
import JSONCodec
import OCIModel

/// `manifest create`
enum ManifestCreate {
    private static let amend = Flag("amend", "a", .bool, "Add to a list that exists")
    private static let insecure = Flag(
        "insecure", .bool, "Accepted; the daemon knows which registries are insecure")

    static func command() -> Command {
        Command(
            paths: ["manifest create"], usage: "MANIFEST_LIST MANIFEST [MANIFEST...]",
            summary: "Put manifests together to a list", flags: [amend, insecure], arguments: .atLeast(2),
            run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var list = try invocation.manifestList()
        if list.exists {
            guard invocation.bool(amend) else {
                throw CommandError(
                    .invalidArgument, "refusing to amend an existing manifest list with no --amend flag")
            }
            try list.load()
        }
        for name in invocation.arguments.dropFirst() {
            list.add(try entry(try Reference(name).withDefaultTag, invocation))
        }
        try list.save()
        invocation.session.output.line("Created manifest list \(list.reference.description)")
        return 0
    }

    private static func entry(_ reference: Reference, _ invocation: Invocation) throws -> ManifestList.Entry {
        var request = EngineRequest(.get, "/distribution/\(ImagePath.escape(reference.description))/json")
        request.headers.append(try invocation.session.registryAuth(reference.domain))
        let answer = try invocation.client.json(request)
        var descriptor: ContentDescriptor = try (answer["Descriptor"] ?? .null).decode()
        guard MediaType.isManifest(descriptor.mediaType) else {
            throw CommandError(
                .invalidArgument, "\(reference.familiar) is a manifest list: name the manifests themselves")
        }
        descriptor.platform = try answer["Platforms"]?.arrayValue?.first?.decode()
        return ManifestList.Entry(reference: reference, descriptor: descriptor)
    }
}

/// `manifest annotate`
enum ManifestAnnotate {
    private static let architecture = Flag("arch", .string, "Architecture")
    private static let os = Flag("os", .string, "Operating system")
    private static let features = Flag("os-features", .stringSlice, "Features of the operating system")
    private static let version = Flag("os-version", .string, "Version of the operating system")
    private static let variant = Flag("variant", .string, "Variant of the architecture")

    static func command() -> Command {
        Command(
            paths: ["manifest annotate"], usage: "[OPTIONS] MANIFEST_LIST MANIFEST",
            summary: "Say what a manifest of a list is for",
            flags: [architecture, os, features, version, variant],
            arguments: .exactly(2), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var list = try invocation.manifestList()
        try list.load()
        let name = invocation.arguments[1]
        guard let position = list.position(of: try Reference(name)) else {
            throw CommandError(
                .invalidArgument, "manifest for image \(name) does not exist in \(list.reference.description)"
            )
        }
        list.change(position) { platform in
            if invocation.isSet(architecture) { platform.architecture = invocation.string(architecture) }
            if invocation.isSet(os) { platform.os = invocation.string(os) }
            if invocation.isSet(variant) { platform.variant = invocation.string(variant) }
            if invocation.isSet(version) { platform.osVersion = invocation.string(version) }
            if invocation.isSet(features) { platform.osFeatures = invocation.list(features) }
        }
        try list.save()
        return 0
    }
}

/// `manifest inspect`
enum ManifestInspect {
    private static let insecure = Flag(
        "insecure", .bool, "Accepted; the daemon knows which registries are insecure")
    private static let verbose = Flag("verbose", "v", .bool, "Show more")

    static func command() -> Command {
        Command(
            paths: ["manifest inspect"], usage: "[OPTIONS] [MANIFEST_LIST] MANIFEST",
            summary: "Show a manifest or a list", flags: [insecure, verbose], arguments: .between(1, 2),
            run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        if invocation.bool(verbose) {
            throw CommandError(.notBuilt, "--verbose is not built yet for manifest inspect")
        }
        let output = invocation.session.output
        if invocation.arguments.count == 2 {
            var list = try invocation.manifestList()
            try list.load()
            guard let position = list.position(of: try Reference(invocation.arguments[1])) else {
                throw CommandError(.invalidArgument, "No such manifest: \(invocation.arguments[1])")
            }
            output.line(try JSONValue(encoding: list.entries[position].descriptor).text(.pretty))
            return 0
        }
        var list = try invocation.manifestList()
        if list.exists {
            try list.load()
            output.line(try list.document())
            return 0
        }
        let reference = list.reference
        var request = EngineRequest(.get, "/distribution/\(ImagePath.escape(reference.description))/manifest")
        request.headers.append(try invocation.session.registryAuth(reference.domain))
        output.line(try invocation.client.json(request).text(.pretty))
        return 0
    }
}

/// `manifest push`
enum ManifestPush {
    private static let insecure = Flag(
        "insecure", .bool, "Accepted; the daemon knows which registries are insecure")
    private static let purge = Flag("purge", "p", .bool, "Forget the list here afterwards")

    static func command() -> Command {
        Command(
            paths: ["manifest push"], usage: "[OPTIONS] MANIFEST_LIST",
            summary: "Send a list to its registry",
            flags: [insecure, purge], arguments: .exactly(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var list = try invocation.manifestList()
        try list.load()
        let others = list.entries.map(\.reference).filter { $0.name != list.reference.name }
        let body: JSONValue = [
            "mediaType": .string(list.mediaType), "manifest": .string(try list.document()),
            "sources": .array(others.map { .string($0.description) }),
        ]
        var request = EngineRequest(
            .post, "/distribution/\(ImagePath.escape(list.reference.description))/manifest", body: body)
        request.headers.append(try invocation.session.registryAuth(list.reference.domain))
        let answer = try invocation.client.json(request)
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
            summary: "Forget lists that were put together",
            arguments: .atLeast(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        var failures = FailureList()
        for name in invocation.arguments {
            failures.attempt {
                try ManifestList(
                    try Reference(name), configurationFolder: invocation.session.configurationFolder
                ).remove()
            }
        }
        try failures.raise()
        return 0
    }
}

extension Invocation {
    /// The list that the first argument names.
    fileprivate func manifestList() throws -> ManifestList {
        let reference = try Reference(arguments[0])
        guard reference.digest == nil else {
            throw CommandError(.invalidArgument, "a manifest list has a tag, not a digest: \(arguments[0])")
        }
        return ManifestList(reference, configurationFolder: session.configurationFolder)
    }
}
