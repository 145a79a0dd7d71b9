import EngineClient
import Glibc
import LinuxKernel

/// Where the commands write that make an archive: a file, which appears under its name when it is whole, or standard
/// output where `path` is empty.
enum ArchiveOutput {
    /// - Parameters:
    ///   - verb: what the command does, for the refusal to write to a terminal
    ///   - failure: how messages about the file begin
    /// - Throws: `CommandError` in Docker's words
    static func check(_ path: String, _ verb: String, _ failure: String) throws(CommandError) {
        if path.isEmpty, RawTerminal.isTerminal(1) {
            throw CommandError(
                .invalidArgument, "cowardly refusing to \(verb) to a terminal. Use the -o flag or redirect")
        }
        if !path.isEmpty { try OutputFile.check(path, failure) }
    }

    static func write(_ response: EngineResponse, to path: String, _ failure: String) throws {
        if path.isEmpty { return try copy(response, to: 1) }
        let temporary = "\(path).\(getpid()).tmp"
        do {
            let file: LinuxKernel.Descriptor
            do throws(SystemCallError) {
                file = try openFile(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            } catch {
                throw CommandError(.environment, "\(failure): open \(path): \(FileReason.text(error))")
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
    fileprivate static func check(_ path: String, _ failure: String) throws(CommandError) {
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            let folder = String(path[..<slash])
            do throws(SystemCallError) {
                guard try fileStatus(folder, follows: true).st_mode & S_IFMT == S_IFDIR else {
                    throw SystemCallError(call: "stat", errno: ENOTDIR)
                }
            } catch {
                throw refusal(failure, "invalid output path: stat \(folder): \(FileReason.text(error))")
            }
        }
        // As rename does, which does not follow links.
        let mode: mode_t
        do throws(SystemCallError) {
            mode = try fileStatus(path, follows: false).st_mode & S_IFMT
        } catch {
            if error.errno == ENOENT { return }
            throw refusal(failure, "failed to stat output path: lstat \(path): \(FileReason.text(error))")
        }
        let kinds: [mode_t: String] = [
            S_IFDIR: "a directory", S_IFLNK: "a symbolic link directly", S_IFIFO: "a named pipe (FIFO)",
            S_IFSOCK: "a socket", S_IFCHR: "a character device file", S_IFBLK: "a block device file",
        ]
        if let kind = kinds[mode] { throw refusal(failure, "cannot write to \(kind)") }
    }

    private static func refusal(_ failure: String, _ reason: String) -> CommandError {
        CommandError(.environment, "\(failure): \(reason)")
    }

    private static func fileStatus(_ path: String, follows: Bool) throws(SystemCallError) -> stat {
        var status = stat()
        try systemCall(follows ? "stat" : "lstat", path) {
            follows ? stat(path, &status) : lstat(path, &status)
        }
        return status
    }
}
