import CLinux
import Glibc
import LinuxKernel

/// Writes directory trees to one tar archive, as they are: owners, modes, times, extended attributes, hard links, holes
/// of files, devices, names of any bytes. Sockets are left out, as every tar program does. One thread uses it.
///
/// The trees may change meanwhile, and whoever changes them may be hostile: names are looked up one at a time by
/// descriptors, symbolic links are not followed, no fifo is waited for. The caller gives trees in which devices cannot be
/// opened (`MOUNT_ATTR_NODEV`), where they are not its own.
package final class TreeArchiveWriter {
    package struct Options: Sendable {
        /// Whether the content of what is mounted in the tree goes along. That of /proc and its kind never does.
        package var entersMounts = false
        /// Whether times keep their nanoseconds, which costs a kilobyte for each member.
        package var keepsNanoseconds = false
        /// Whether the tree is the upper directory of an overlay, to be written as a layer: deletions become
        /// `.wh.name`, and `.wh..wh..opq` marks directories that hide those below (image-spec layer.md).
        package var isOverlayUpper = false
        /// Whether the directory itself is a member, besides what is in it.
        package var includesRoot = true

        package init() {}
    }

    private struct FileID: Hashable {
        let device: dev_t
        let inode: ino_t
    }

    private let writer: TarEntryWriter
    private let options: Options
    private var entry = TarEntry()
    /// First names of files that have several.
    private var links: [FileID: [UInt8]] = [:]
    /// Bytes of them.
    private var linkBytes = 0
    private let attributes = AttributeReader()
    /// Bytes of regular files that were written, holes included.
    package private(set) var size: Int64 = 0

    /// Bytes of first names that are remembered; where there are more, later names become files of their own.
    private static let linkLimit = 256 << 20
    /// Holes smaller than this in all are written.
    private static let holeThreshold: Int64 = 64 << 10

    package init(to sink: any ByteSink, _ options: Options = Options()) {
        writer = TarEntryWriter(sink)
        self.options = options
    }

    /// Writes an open directory and everything below it.
    /// - Parameter name: what it is called in the archive, without a slash at its end (but for the root, `/`); empty for
    ///   `./`, the archive's root, whose content is called by its own names
    /// - Throws: `ImageError`, what the sink throws
    package func addDirectory(_ directory: Int32, as name: [UInt8]) throws {
        do {
            var status = stat()
            try systemCall("fstat") { fstat(directory, &status) }
            let slash = UInt8(ascii: "/")
            let prefix = name.isEmpty || name == [slash] ? name : name + [slash]
            if options.includesRoot {
                try self.directory(directory, status, as: name.isEmpty ? Array("./".utf8) : prefix)
            }
            let walk = try TreeWalk(root: directory)
            try walk.run { base in
                let name = prefix + walk.path
                guard name.count < TarLimits.path else { throw Self.tooLong(name) }
                let device = try self.device(of: walk, status.st_dev)
                return try add(base, in: walk.directory, walk.status, as: name, entering: device)
            }
        } catch {
            throw ImageStore.translate(error)
        }
    }

    /// Writes a file of any kind that is no directory.
    /// - Parameters:
    ///   - base: a single name in `directory`
    ///   - name: what it is called in the archive
    package func addFile(_ base: String, in directory: Int32, as name: [UInt8]) throws {
        do {
            var status = stat()
            try systemCall("fstatat", base) { fstatat(directory, base, &status, AT_SYMLINK_NOFOLLOW) }
            guard status.st_mode & S_IFMT != S_IFDIR else {
                throw ImageError(.internal, "\"\(base)\" is a directory, which addDirectory writes")
            }
            _ = try add(base, in: directory, status, as: name, entering: true)
        } catch {
            throw ImageStore.translate(error)
        }
    }

    /// The end of the archive.
    package func finish() throws { try writer.finish() }

    private static func tooLong(_ name: [UInt8]) -> ImageError {
        let shown = String(decoding: name.prefix(200), as: UTF8.self)
        return ImageError(
            .unsupported,
            "\"\(shown)…\" is longer than \(TarLimits.path) bytes, more than an archive can hold")
    }

    // MARK: - Members

    /// Whether to enter the directory that the walk stands at: not where something is mounted that has no files of its
    /// own.
    private func device(of walk: TreeWalk, _ root: dev_t) throws -> Bool {
        guard walk.status.st_mode & S_IFMT == S_IFDIR, walk.status.st_dev != root else { return true }
        return options.entersMounts
    }

    /// - Returns: whether to enter the directory that it is
    private func add(
        _ base: UnsafePointer<CChar>, in parent: Int32, _ status: stat, as name: [UInt8], entering: Bool
    ) throws -> Bool {
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return try subdirectory(base, parent, as: name + [UInt8(ascii: "/")], entering)
        case S_IFREG: try regular(base, parent, name)
        case S_IFLNK: try symbolicLink(base, parent, status, name)
        case S_IFIFO: try special(.fifo, status, name)
        case S_IFBLK: try special(.blockDevice, status, name)
        case S_IFCHR where options.isOverlayUpper && LayerUnpacker.isWhiteout(status):
            let start = name.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
            try mark(name[..<start] + Array(".wh.".utf8) + name[start...], status)
        case S_IFCHR: try special(.characterDevice, status, name)
        default: break
        }
        return false
    }

    private func fill(_ kind: TarEntry.Kind, _ status: stat, _ name: [UInt8]) {
        entry.kind = kind
        entry.name = name
        entry.linkName.removeAll(keepingCapacity: true)
        entry.mode = status.st_mode & 0o7777
        (entry.uid, entry.gid) = (status.st_uid, status.st_gid)
        (entry.storedSize, entry.size) = (0, 0)
        entry.modifiedSeconds = Int64(status.st_mtim.tv_sec)
        entry.modifiedNanoseconds = options.keepsNanoseconds ? status.st_mtim.tv_nsec : 0
        (entry.deviceMajor, entry.deviceMinor) = (0, 0)
        entry.extendedAttributes.removeAll(keepingCapacity: true)
        entry.fragments = nil
    }

    private func subdirectory(
        _ base: UnsafePointer<CChar>, _ parent: Int32, as name: [UInt8], _ entering: Bool
    ) throws -> Bool {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let opened = openat(parent, base, flags)
        if opened < 0, [ENOENT, ENOTDIR, ELOOP].contains(errno) { return false }
        let directory = Descriptor(owning: try systemCall("openat", String(cString: base)) { opened })
        var status = stat()
        try systemCall("fstat", String(cString: base)) { fstat(opened, &status) }
        try self.directory(directory.rawValue, status, as: name)
        return entering && !PseudoFileSystem.has(directory.rawValue)
    }

    private func directory(_ directory: Int32, _ status: stat, as name: [UInt8]) throws {
        fill(.directory, status, name)
        try attributes.read(directory, into: &entry.extendedAttributes)
        try writer.begin(entry)
        guard options.isOverlayUpper, Self.isOpaque(directory) else { return }
        try mark((name == Array("./".utf8) ? [] : name) + Array(".wh..wh..opq".utf8), status)
    }

    private static func isOpaque(_ directory: Int32) -> Bool {
        var value: UInt8 = 0
        return skiff_fgetxattr(directory, "trusted.overlay.opaque", &value, 1) == 1
            && value == UInt8(ascii: "y")
    }

    /// Writes an empty file whose name says something.
    private func mark(_ name: [UInt8], _ status: stat) throws {
        fill(.regular, status, name)
        entry.mode = 0
        try writer.begin(entry)
    }

    private func regular(_ base: UnsafePointer<CChar>, _ parent: Int32, _ name: [UInt8]) throws {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        var opened = openat(parent, base, flags | O_NOATIME)
        if opened < 0, errno == EPERM { opened = openat(parent, base, flags) }
        // Gone, or something else by now.
        if opened < 0, [ENOENT, ELOOP, ENXIO, EACCES].contains(errno) {
            guard errno == EACCES else { return }
            var status = stat()
            guard fstatat(parent, base, &status, AT_SYMLINK_NOFOLLOW) == 0,
                status.st_mode & S_IFMT == S_IFREG
            else { return }
            throw SystemCallError(call: "openat", errno: EACCES, subject: String(cString: base))
        }
        let file = Descriptor(owning: try systemCall("openat", String(cString: base)) { opened })
        var status = stat()
        try systemCall("fstat", String(cString: base)) { fstat(opened, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { return }
        if try isWrittenLink(status, name) { return }
        fill(.regular, status, name)
        try attributes.read(file.rawValue, into: &entry.extendedAttributes)
        try content(of: file.rawValue, status)
    }

    private func symbolicLink(
        _ base: UnsafePointer<CChar>, _ parent: Int32, _ status: stat, _ name: [UInt8]
    ) throws {
        if try isWrittenLink(status, name) { return }
        fill(.symbolicLink, status, name)
        let length = withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { target -> Int in
            let text = target.assumingMemoryBound(to: CChar.self)
            let length = readlinkat(parent, base, text.baseAddress!, text.count)
            if length > 0 {
                entry.linkName.append(contentsOf: UnsafeRawBufferPointer(rebasing: target[..<length]))
            }
            return length
        }
        // Gone, or something else by now.
        if length < 0, errno == ENOENT || errno == EINVAL { return }
        try systemCall("readlinkat", String(cString: base)) { length }
        entry.mode = 0o777
        try writer.begin(entry)
    }

    private func special(_ kind: TarEntry.Kind, _ status: stat, _ name: [UInt8]) throws {
        if try isWrittenLink(status, name) { return }
        fill(kind, status, name)
        if kind != .fifo {
            (entry.deviceMajor, entry.deviceMinor) = deviceNumbers(status.st_rdev)
        }
        try writer.begin(entry)
    }

    /// A later name of a file becomes a link to the first.
    private func isWrittenLink(_ status: stat, _ name: [UInt8]) throws -> Bool {
        guard status.st_nlink > 1 else { return false }
        let id = FileID(device: status.st_dev, inode: status.st_ino)
        if let first = links[id] {
            fill(.hardLink, status, name)
            entry.linkName = first
            try writer.begin(entry)
            return true
        }
        linkBytes += name.count
        if linkBytes <= Self.linkLimit { links[id] = name }
        return false
    }

    // MARK: - Content

    private func content(of file: Int32, _ status: stat) throws {
        entry.size = Int64(status.st_size)
        entry.storedSize = entry.size
        size += entry.size
        if entry.size - Int64(status.st_blocks) * 512 >= Self.holeThreshold {
            entry.fragments = try fragments(of: file)
            if let fragments = entry.fragments { entry.storedSize = fragments.reduce(0) { $0 + $1.length } }
        }
        try writer.begin(entry)
        let whole = [TarEntry.Fragment(offset: 0, length: entry.size)]
        for fragment in entry.fragments ?? whole {
            guard try copy(file, fragment.offset, fragment.length) else { break }
        }
    }

    /// Where the file has data; nil where its file system does not tell of holes.
    private func fragments(of file: Int32) throws -> [TarEntry.Fragment]? {
        var fragments: [TarEntry.Fragment] = []
        var position: Int64 = 0
        while position < entry.size {
            let data = skiff_seek_data(file, position)
            if data == -Int64(ENXIO) { break }
            if data == -Int64(EINVAL) || data == -Int64(EOPNOTSUPP) { return nil }
            try rawCall("lseek") { data }
            let hole = try rawCall("lseek") { skiff_seek_hole(file, data) }
            guard data < entry.size else { break }
            fragments.append(
                TarEntry.Fragment(offset: data, length: min(hole, entry.size) - data))
            guard fragments.count < TarLimits.fragments else {
                throw ImageError(
                    .unsupported, "\"\(entry.displayName)\" has more holes than an archive can hold")
            }
            position = hole
        }
        return fragments
    }

    /// - Returns: whether all of it came; what did not is zeros
    private func copy(_ file: Int32, _ offset: Int64, _ length: Int64) throws -> Bool {
        var position = offset
        let end = offset + length
        while position < end {
            let space = try writer.space()
            let wanted = min(space.count, Int(end - position))
            let count = try systemCall("pread") { pread(file, space.baseAddress, wanted, off_t(position)) }
            if count == 0 { return false }
            writer.advance(count)
            position += Int64(count)
        }
        return true
    }
}

/// O_NOATIME (open(2)), which the C library's module does not show without _GNU_SOURCE.
private let O_NOATIME: Int32 = 0o1_000_000
