import Glibc
import LinuxKernel

/// A file or directory of this machine as an archive, made piece by piece for an upload. Links are not followed.
final class LocalArchive {
    private final class Folder {
        let descriptor: Descriptor
        /// The next one last.
        var names: [[CChar]]
        /// Of what is in it, with a slash at its end.
        let prefix: [UInt8]

        init(_ descriptor: consuming Descriptor, prefix: [UInt8]) throws(SystemCallError) {
            names = try directoryNames(of: descriptor.rawValue).sorted { $0.lexicographicallyPrecedes($1) }
            names.reverse()
            self.descriptor = descriptor
            self.prefix = prefix
        }
    }

    private struct FileID: Hashable {
        let device: dev_t
        let inode: ino_t
    }

    private var folders: [Folder] = []
    private var file: SharedDescriptor?
    private var fileName = ""
    private var left: Int64 = 0
    private var padding = 0
    private var piece: [UInt8] = []
    private var links: [FileID: [UInt8]] = [:]
    private var isFinished = false
    /// Bytes of the archive so far.
    private(set) var count: Int64 = 0

    private static let pieceSize = 512 << 10
    /// Bytes from which on a file's are not put together with others'.
    private static let ownPiece: Int64 = 64 << 10

    /// - Parameter name: what it is called in the archive; `.` for a directory whose content is meant
    init(_ path: String, as name: String) throws {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { path[...$0] } ?? "."
        let base = slash.map { path[path.index(after: $0)...] } ?? path[...]
        let directory = try openFile(String(parent), O_RDONLY | O_DIRECTORY)
        try add(
            Array((base.isEmpty ? "." : String(base)).utf8CString), in: directory.rawValue,
            as: Array(name.utf8))
    }

    /// The archive's next piece; empty at its end.
    /// - Throws: `CommandError`
    func next() throws -> [UInt8] {
        do {
            // Large files go in pieces of their own, small ones and headers together.
            while piece.count < Self.pieceSize, !isFinished {
                if let file, left >= Self.ownPiece {
                    if piece.isEmpty { return count(try read(file)) }
                    break
                }
                try step()
            }
        } catch let error as SystemCallError {
            throw CommandError(.environment, "read \(error.subject): \(FileReason.text(error))")
        }
        defer { piece.removeAll() }
        return count(piece)
    }

    private func count(_ bytes: [UInt8]) -> [UInt8] {
        count += Int64(bytes.count)
        return bytes
    }

    /// The next bytes of the open file, with the padding behind its last.
    private func read(_ file: SharedDescriptor) throws -> [UInt8] {
        let room = Int(min(left, Int64(Self.pieceSize)))
        let name = fileName
        var bytes = try [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            let start = buffer.baseAddress
            count = try systemCall("read", name) { Glibc.read(file.rawValue, start, room) }
        }
        guard !bytes.isEmpty else {
            throw CommandError(.environment, "\(fileName) became shorter while it was read")
        }
        left -= Int64(bytes.count)
        if left == 0 {
            bytes += [UInt8](repeating: 0, count: padding)
            self.file = nil
        }
        return bytes
    }

    private func step() throws {
        if let file {
            piece += try read(file)
            return
        }
        guard let folder = folders.last else {
            piece += [UInt8](repeating: 0, count: 1024)
            isFinished = true
            return
        }
        guard let name = folder.names.popLast() else {
            folders.removeLast()
            return
        }
        let bytes = name.dropLast().map { UInt8(bitPattern: $0) }
        try add(name, in: folder.descriptor.rawValue, as: folder.prefix + bytes)
    }

    private func add(_ base: [CChar], in directory: Int32, as name: [UInt8]) throws {
        var status = stat()
        let shown = String(decoding: name, as: UTF8.self)
        try systemCall("lstat", shown) { fstatat(directory, base, &status, AT_SYMLINK_NOFOLLOW) }
        var member = TarMember(name: name)
        member.mode = status.st_mode & 0o7777
        (member.uid, member.gid) = (status.st_uid, status.st_gid)
        member.modified = Int64(status.st_mtim.tv_sec)
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            (member.kind, member.name) = (.directory, name + [UInt8(ascii: "/")])
            piece += member.header()
            let opened = try open(base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, directory, shown)
            return folders.append(try Folder(opened, prefix: member.name))
        case S_IFSOCK: return
        case S_IFLNK:
            member.kind = .symbolicLink
            member.link = try Self.target(base, directory, shown)
        case S_IFIFO: member.kind = .fifo
        case S_IFCHR, S_IFBLK:
            member.kind = status.st_mode & S_IFMT == S_IFCHR ? .characterDevice : .blockDevice
            member.device = deviceNumbers(status.st_rdev)
        default: break
        }
        let id = FileID(device: status.st_dev, inode: status.st_ino)
        if status.st_nlink > 1, let first = links.updateValue(links[id] ?? name, forKey: id) {
            (member.kind, member.link) = (.hardLink, first)
        }
        if member.kind == .regular { try begin(&member, base, directory, shown, status) }
        piece += member.header()
    }

    private func begin(
        _ member: inout TarMember, _ base: [CChar], _ directory: Int32, _ shown: String, _ status: stat
    ) throws {
        let opened = SharedDescriptor(try open(base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, directory, shown))
        member.size = Int64(status.st_size)
        guard member.size > 0 else { return }
        (file, fileName, left) = (opened, shown, member.size)
        padding = Int((512 - member.size % 512) % 512)
    }

    private func open(
        _ base: [CChar], _ flags: Int32, _ directory: Int32, _ shown: String
    ) throws(SystemCallError) -> Descriptor {
        Descriptor(owning: try systemCall("open", shown) { openat(directory, base, flags | O_CLOEXEC) })
    }

    private static func target(_ base: [CChar], _ directory: Int32, _ shown: String) throws -> [UInt8] {
        var text = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = try text.withUnsafeMutableBytes { buffer in
            try systemCall("readlink", shown) {
                readlinkat(
                    directory, base, buffer.assumingMemoryBound(to: CChar.self).baseAddress!, buffer.count)
            }
        }
        return Array(text[..<count])
    }
}
