import EngineClient
import Glibc
import LinuxKernel

/// `save`
enum ImageSave {
    private static let output = Flag("output", "o", .string, "Write to this file, not to standard output")
    private static let platform = Flag("platform", .stringSlice, "Save only this platform's variant")

    static func command() -> Command {
        Command(
            paths: ["image save", "save"], usage: "[OPTIONS] IMAGE [IMAGE...]",
            summary: "Save images to an archive", flags: [output, platform], arguments: .atLeast(1), run: run)
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        let path = invocation.string(output)
        if path.isEmpty, RawTerminal.isTerminal(1) {
            throw CommandError(
                .invalidArgument, "cowardly refusing to save to a terminal. Use the -o flag or redirect")
        }
        if !path.isEmpty { try OutputFile.check(path) }
        var query = invocation.arguments.map { (name: "names", value: $0) }
        for text in invocation.list(platform) { query += try PlatformArgument.query(text) }
        let response = try invocation.client.send(EngineRequest(.get, "/images/get", query: query))
        if path.isEmpty {
            try copy(response, to: 1)
            return 0
        }
        try save(response, to: path)
        return 0
    }

    /// The file appears under its name when it is whole.
    private static func save(_ response: EngineResponse, to path: String) throws {
        let temporary = "\(path).\(getpid()).tmp"
        do {
            let file: LinuxKernel.Descriptor
            do throws(SystemCallError) {
                file = try openFile(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            } catch {
                throw CommandError(
                    .environment, "failed to save image: open \(path): \(FileReason.text(error))")
            }
            try copy(response, to: file.rawValue)
            try systemCall("rename", path) { rename(temporary, path) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func copy(_ response: EngineResponse, to descriptor: Int32) throws {
        var failure: SystemCallError?
        while try response.readPiece({ bytes in
            do throws(SystemCallError) { try writeAll(descriptor, bytes) } catch { failure = error }
        }) {
            if let failure { throw failure }
        }
    }
}

/// Where a command may write what it makes: a regular file or a new one, in a folder that is there. Anything else, a
/// device above all, would be replaced by the file.
enum OutputFile {
    /// - Throws: `CommandError` in Docker's words
    static func check(_ path: String) throws(CommandError) {
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            let folder = String(path[..<slash])
            do throws(SystemCallError) {
                guard try fileStatus(folder, follows: true).st_mode & S_IFMT == S_IFDIR else {
                    throw SystemCallError(call: "stat", errno: ENOTDIR)
                }
            } catch {
                throw refusal("invalid output path: stat \(folder): \(FileReason.text(error))")
            }
        }
        // As rename does, which does not follow links.
        let mode: mode_t
        do throws(SystemCallError) {
            mode = try fileStatus(path, follows: false).st_mode & S_IFMT
        } catch {
            if error.errno == ENOENT { return }
            throw refusal("failed to stat output path: lstat \(path): \(FileReason.text(error))")
        }
        let kinds: [mode_t: String] = [
            S_IFDIR: "a directory", S_IFLNK: "a symbolic link directly", S_IFIFO: "a named pipe (FIFO)",
            S_IFSOCK: "a socket", S_IFCHR: "a character device file", S_IFBLK: "a block device file",
        ]
        if let kind = kinds[mode] { throw refusal("cannot write to \(kind)") }
    }

    private static func refusal(_ reason: String) -> CommandError {
        CommandError(.environment, "failed to save image: \(reason)")
    }

    private static func fileStatus(_ path: String, follows: Bool) throws(SystemCallError) -> stat {
        var status = stat()
        try systemCall(follows ? "stat" : "lstat", path) {
            follows ? stat(path, &status) : lstat(path, &status)
        }
        return status
    }
}
