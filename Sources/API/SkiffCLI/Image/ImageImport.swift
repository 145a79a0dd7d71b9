import GoTemplate
import EngineClient
import Glibc
import JSONCodec
import LinuxKernel
import OCIModel

/// The name of a new image.
struct ImportTarget {
    let repository: String
    let tag: String

    init(_ text: String) throws {
        let digest: Digest?
        do throws(ReferenceError) {
            let reference = try Reference(text)
            repository = reference.name
            tag = reference.tag ?? Reference.defaultTag
            digest = reference.digest
        } catch {
            throw CommandError(
                .invalidArgument,
                "Error parsing reference: \(GoPrinter.quoted(text)) is not a valid repository/tag: \(error.message)"
            )
        }
        guard digest == nil else {
            throw CommandError(.invalidArgument, "refusing to create a tag with a digest reference")
        }
    }
}

/// Reads an archive piece by piece for an upload.
struct ArchiveReader {
    private let descriptor: SharedDescriptor?
    private static let pieceSize = 1 << 18

    /// - Parameter path: `-` for standard input
    /// - Throws: `CommandError`
    init(path: String) throws {
        guard path != "-" else {
            descriptor = nil
            return
        }
        do throws(SystemCallError) {
            descriptor = SharedDescriptor(try openFile(path, O_RDONLY))
        } catch {
            throw CommandError(.environment, "open \(path): \(FileReason.text(error))")
        }
    }

    /// The next piece; empty at the end.
    func next() throws -> [UInt8] {
        let raw = descriptor?.rawValue ?? 0
        return try [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { buffer, count in
            let pointer = buffer.baseAddress
            count = try systemCall("read") { read(raw, pointer, Self.pieceSize) }
        }
    }
}

/// `import`
enum ImageImport {
    private static let change = Flag("change", "c", .list, "Apply a Dockerfile instruction to the image")
    private static let message = Flag("message", "m", .string, "Comment of the image")
    private static let platform = Flag("platform", .string, "Platform of the image")

    static func command() -> Command {
        Command(
            paths: ["image import", "import"], usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
            summary: "Make an image of one layer from an archive", flags: [change, message, platform],
            arguments: .between(1, 2), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let source = invocation.arguments[0]
        let isURL = source.hasPrefix("http://") || source.hasPrefix("https://")
        var query: [(name: String, value: String)] = [("fromSrc", isURL ? source : "-")]
        if invocation.arguments.count > 1 {
            _ = try Reference(invocation.arguments[1])
            query.append(("repo", invocation.arguments[1]))
        }
        if !invocation.string(message).isEmpty { query.append(("message", invocation.string(message))) }
        if !invocation.string(platform).isEmpty { query.append(("platform", invocation.string(platform))) }
        for text in invocation.list(change) { query.append(("changes", text)) }
        let request = EngineRequest(.post, "/images/create", query: query)
        let response: EngineResponse
        if isURL {
            response = try invocation.client.send(request)
        } else {
            let reader = try ArchiveReader(path: source)
            response = try invocation.client.upload(
                request, contentType: "application/x-tar"
            ) { try reader.next() }
        }
        var printer = ProgressPrinter(descriptor: 1)
        while let message = try response.nextJSONLine() { try printer.show(message) }
        return 0
    }
}

/// `load`
enum ImageLoad {
    private static let input = Flag(
        "input", "i", .string, "Read from this file or folder, not from standard input")
    private static let platform = Flag("platform", .stringSlice, "Load only this platform's variant")
    private static let quiet = Flag("quiet", "q", .bool, "Do not show progress")

    static func command() -> Command {
        Command(
            paths: ["image load", "load"], usage: "[OPTIONS]", summary: "Load images from an archive",
            flags: [input, platform, quiet], arguments: .none, run: run)
    }

    /// Where the archive comes from; a folder is made into one on the way.
    private static func pieces(_ path: String) throws -> () throws -> [UInt8] {
        if path != "-", ArchiveFolder.isFolder(path) {
            let folder = try ArchiveFolder(path)
            return { try folder.next() }
        }
        let reader = try ArchiveReader(path: path)
        return { try reader.next() }
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let path = invocation.string(input)
        if path.isEmpty, RawTerminal.isTerminal(0) {
            throw CommandError(.invalidArgument, "requested load from stdin, but stdin is empty")
        }
        let nextPiece = try pieces(path.isEmpty ? "-" : path)
        let isQuiet = invocation.bool(quiet) || !RawTerminal.isTerminal(1)
        var query: [(name: String, value: String)] = [("quiet", isQuiet ? "1" : "0")]
        for text in invocation.list(platform) { query += try PlatformArgument.query(text) }
        let response = try invocation.client.upload(
            EngineRequest(.post, "/images/load", query: query), contentType: "application/x-tar", nextPiece)
        guard response.head.header("content-type")?.hasPrefix("application/json") == true else {
            try writeAll(1, try response.readAll())
            return 0
        }
        var printer = ProgressPrinter(descriptor: 1)
        while let message = try response.nextJSONLine() { try printer.show(message) }
        return 0
    }
}
