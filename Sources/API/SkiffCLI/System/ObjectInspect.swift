import EngineClient
import GoTemplate
import JSONCodec

/// `inspect` and its forms for one kind of object.
enum ObjectInspect {
    static let format = Flag("format", "f", .string, FormatHelp.object)
    private static let size = Flag("size", "s", .bool, "Show the sizes of containers too")
    private static let type = Flag("type", .string, "Look only for this kind of object")

    static func command() -> Command {
        Command(
            paths: ["inspect"], usage: "[OPTIONS] NAME|ID [NAME|ID...]",
            summary: "Show everything about objects",
            flags: [format, size, type], arguments: .atLeast(1), run: run)
    }

    private static let knownTypes = [
        "config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume",
    ]

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let wanted = invocation.string(type)
        if invocation.isSet(type), !knownTypes.contains(wanted) {
            let list = knownTypes.map(GoPrinter.quoted).joined(separator: ", ")
            let reason = wanted.isEmpty ? "type is empty" : "unknown type: \(GoPrinter.quoted(wanted))"
            throw CommandError(.invalidArgument, "\(reason): must be one of \(list)")
        }
        let kinds =
            wanted.isEmpty ? InspectedKind.searched : InspectedKind.searched.filter { $0.name == wanted }
        guard !kinds.isEmpty else {
            throw CommandError(.notBuilt, "inspect --type \(wanted): objects of this type are not built yet")
        }
        return try ObjectInspection(invocation, kinds: kinds, size: invocation.bool(size)).run(
            named: !wanted.isEmpty)
    }
}

/// `container inspect`
enum ContainerInspect {
    private static let size = Flag("size", "s", .bool, "Show sizes too")

    static func command() -> Command {
        Command(
            paths: ["container inspect"], usage: "[OPTIONS] CONTAINER [CONTAINER...]",
            summary: "Show everything about containers", flags: [ObjectInspect.format, size],
            arguments: .atLeast(1)
        ) { invocation in
            try ObjectInspection(invocation, kinds: [.container], size: invocation.bool(size)).run(
                named: true)
        }
    }
}

/// `image inspect`
enum ImageInspect {
    private static let platform = Flag("platform", .string, "Platform of the image (os[/arch[/variant]])")

    static func command() -> Command {
        Command(
            paths: ["image inspect"], usage: "[OPTIONS] IMAGE [IMAGE...]",
            summary: "Show everything about images",
            flags: [ObjectInspect.format, platform], arguments: .atLeast(1)
        ) { invocation in
            let query = try PlatformArgument.query(invocation.string(platform))
            return try ObjectInspection(invocation, kinds: [.image], query: query).run(named: true)
        }
    }
}

/// `network inspect`
enum NetworkInspect {
    private static let verbose = Flag("verbose", "v", .bool, "Show more for diagnosis")

    static func command() -> Command {
        Command(
            paths: ["network inspect"], usage: "[OPTIONS] NETWORK [NETWORK...]",
            summary: "Show everything about networks", flags: [ObjectInspect.format, verbose],
            arguments: .atLeast(1)
        ) { invocation in
            let query = invocation.bool(verbose) ? [(name: "verbose", value: "true")] : []
            return try ObjectInspection(invocation, kinds: [.network], query: query).run(named: true)
        }
    }
}
