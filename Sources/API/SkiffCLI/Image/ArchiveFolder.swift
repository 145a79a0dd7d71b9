import Glibc
import LinuxKernel

/// A folder with an image archive's members (an OCI layout, or what `docker save` wrote, unpacked), given out as the tar
/// archive that a daemon takes. Links go as links: what they lead to outside of the folder is not read.
final class ArchiveFolder {
    private struct Member {
        /// Of the folder, without a slash at its end.
        let path: String
        let size: Int64
        let link: [UInt8]?
    }

    private struct OpenFile {
        let descriptor: SharedDescriptor
        let path: String
        var left: Int64
        let padding: Int
    }

    private let folder: String
    /// The next one last.
    private var waiting: [Member] = []
    private var current: OpenFile?
    private var isFinished = false

    private static let pieceSize = 1 << 18
    private static let block = 512
    private static let depthLimit = 16

    /// - Throws: `CommandError` where the folder holds no archive
    init(_ folder: String) throws {
        self.folder = folder
        guard fileExists("\(folder)/index.json") || fileExists("\(folder)/manifest.json") else {
            throw CommandError(
                .invalidArgument,
                "\(folder) is a directory without an image: it has neither index.json (an OCI layout) nor "
                    + "manifest.json (docker save)")
        }
        do {
            try list("", depth: 0)
        } catch let error as SystemCallError {
            throw CommandError(.environment, "read \(error.subject): \(FileReason.text(error))")
        }
        waiting.sort { $0.path > $1.path }
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private func list(_ below: String, depth: Int) throws {
        guard depth < Self.depthLimit else {
            throw CommandError(.invalidArgument, "\(folder) has folders within folders without end")
        }
        let opened = try openFile("\(folder)/\(below)", O_RDONLY | O_DIRECTORY)
        for name in try directoryNames(of: opened.rawValue) {
            let path = below.isEmpty ? displayName(name) : "\(below)/\(displayName(name))"
            var status = stat()
            let full = "\(folder)/\(path)"
            try systemCall("lstat", full) { lstat(full, &status) }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try list(path, depth: depth + 1)
            case S_IFREG: waiting.append(Member(path: path, size: Int64(status.st_size), link: nil))
            case S_IFLNK: waiting.append(Member(path: path, size: 0, link: try Self.target(full)))
            default: break
            }
        }
    }

    private static func target(_ path: String) throws -> [UInt8] {
        var text = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = try text.withUnsafeMutableBytes { buffer in
            try systemCall("readlink", path) {
                readlink(path, buffer.assumingMemoryBound(to: CChar.self).baseAddress!, buffer.count)
            }
        }
        return Array(text[..<count])
    }

    /// The archive's next piece; empty at its end.
    /// - Throws: `CommandError`
    func next() throws -> [UInt8] {
        do {
            if current != nil { return try nextContent() }
            guard let member = waiting.popLast() else {
                defer { isFinished = true }
                return isFinished ? [] : [UInt8](repeating: 0, count: 2 * Self.block)
            }
            return try begin(member)
        } catch let error as SystemCallError {
            throw CommandError(.environment, "read \(error.subject): \(FileReason.text(error))")
        }
    }

    private func begin(_ member: Member) throws -> [UInt8] {
        if let link = member.link { return Self.header(member.path, .symbolicLink, size: 0, link: link) }
        let path = "\(folder)/\(member.path)"
        let descriptor = SharedDescriptor(try openFile(path, O_RDONLY | O_NOFOLLOW))
        if member.size > 0 {
            let rest = Int(member.size % Int64(Self.block))
            current = OpenFile(
                descriptor: descriptor, path: path, left: member.size,
                padding: rest == 0 ? 0 : Self.block - rest)
        }
        return Self.header(member.path, .regular, size: member.size, link: [])
    }

    private func nextContent() throws -> [UInt8] {
        guard var file = current else { return [] }
        let room = Int(min(Int64(Self.pieceSize), file.left))
        let raw = file.descriptor.rawValue
        var piece = try [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            let pointer = buffer.baseAddress
            count = try systemCall("read", file.path) { read(raw, pointer, room) }
        }
        guard !piece.isEmpty else {
            throw CommandError(.environment, "\(file.path) became shorter while it was read")
        }
        file.left -= Int64(piece.count)
        if file.left == 0 { piece += [UInt8](repeating: 0, count: file.padding) }
        current = file.left > 0 ? file : nil
        return piece
    }

    // MARK: - Headers

    private static func header(_ path: String, _ kind: TarMember.Kind, size: Int64, link: [UInt8]) -> [UInt8]
    {
        var member = TarMember(name: Array(path.utf8))
        (member.kind, member.size, member.link) = (kind, size, link)
        return member.header()
    }
}
