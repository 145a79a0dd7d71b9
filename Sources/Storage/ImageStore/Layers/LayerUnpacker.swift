import CLinux
import Glibc
import LinuxKernel

/// Creates the files of one layer, or of an archive that goes into a directory. One thread uses it, whose file mode
/// mask is 0.
///
/// What the overlay file system expects: a whiteout is a character device 0:0, an opaque directory has the
/// attribute `trusted.overlay.opaque` (kernel, filesystems/overlayfs.rst). In layers they are the names `.wh.x` and
/// `.wh..wh..opq` (image-spec layer.md).
final class LayerUnpacker {
    struct DirectoryMetadata {
        var path: [UInt8]
        var seconds: Int64
        var nanoseconds: Int
        var attributes: [TarEntry.ExtendedAttribute]
    }

    let reader: TarReader
    let tree: LayerTree
    private let recipe: LayerRecipeWriter?
    /// Not nil where it is no layer that is unpacked: then whiteouts are names as others are.
    let extraction: TreeExtraction?
    var path: LayerPath
    private var linkPath: LayerPath
    /// Applied last: every new entry changes its directory's time, and default access lists the new entries' modes.
    var directories: [DirectoryMetadata] = []
    /// Of their names and attributes.
    private var directoryBytes = 0
    /// Files made below a set-group-id directory get its group: then owners are always set.
    private(set) var hasGroupInheritance = false
    /// Bytes of regular files, as Docker counts an image's size.
    private(set) var size: Int64 = 0
    private(set) var rootEntry: RootAttributes?
    /// How many attributes the file system under the store could not hold.
    var droppedAttributes = 0
    /// What the layer deletes, where the file system under the store could not hold that.
    var hidden = HiddenPaths()

    /// - Parameter recipe: the same as the reader's
    init(
        reader: TarReader, tree: LayerTree, recipe: LayerRecipeWriter? = nil,
        extraction: TreeExtraction? = nil
    ) {
        self.reader = reader
        self.tree = tree
        self.recipe = recipe
        self.extraction = extraction
        path = LayerPath(below: extraction?.base ?? [], in: extraction == nil ? "layer" : "archive")
        linkPath = path
    }

    /// Unpacks every entry and reads the stream to its end.
    /// - Throws: `ImageError`
    func run() throws {
        do {
            while try reader.next() { try unpack() }
            try reader.drain()
            try applyDirectoryMetadata()
            try recipe?.finish()
        } catch let error as SystemCallError {
            throw translate(error)
        }
    }

    private func translate(_ error: SystemCallError) -> ImageError {
        let name = reader.entry.displayName
        switch error.errno {
        case ENOSPC, EDQUOT:
            return ImageError(.exhausted, "no space left on device: cannot unpack \"\(name)\"", cause: error)
        case EROFS, EACCES:
            return ImageError(.accessDenied, "cannot unpack \"\(name)\": \(error)", cause: error)
        case ENAMETOOLONG, EINVAL, ELOOP, ENOTDIR, EEXIST, EXDEV, ENOENT, EFBIG, EISDIR, EPERM, EMLINK,
            ERANGE:
            return ImageError(
                .invalidLayer, "invalid \(path.container): cannot unpack \"\(name)\": \(error)", cause: error)
        default:
            return ImageError(.input, "cannot unpack \"\(name)\": \(error)", cause: error)
        }
    }

    private func unpack() throws {
        try path.assign(reader.entry.name)
        if path.isRoot { return try setRoot() }
        if extraction == nil, path.baseHasPrefix(".wh.") { return try whiteout() }
        if let owner = extraction?.owner { reader.give(to: owner.uid, owner.gid) }
        if reader.entry.kind == .hardLink { return try hardLink() }
        let parent = try lookup(path, create: true)
        let baseStart = path.baseStart
        try path.bytes.withUnsafeBytes { bytes in
            let base = bytes.assumingMemoryBound(to: CChar.self).baseAddress! + baseStart
            switch reader.entry.kind {
            case .regular: try file(parent, base)
            case .directory: try directory(parent, base)
            case .symbolicLink: try symbolicLink(parent, base)
            case .characterDevice: try node(parent, base, S_IFCHR)
            case .blockDevice: try node(parent, base, S_IFBLK)
            case .fifo: try node(parent, base, S_IFIFO)
            case .hardLink: break
            }
        }
    }

    /// Runs a creating call; what is in its way goes first.
    private func replacing(
        _ parent: Int32, _ base: UnsafePointer<CChar>, _ call: StaticString, _ body: () -> Int32
    ) throws -> Int32 {
        let result = body()
        if result >= 0 { return result }
        guard errno == EEXIST else { throw SystemCallError(call: "\(call)", subject: String(cString: base)) }
        try displace(parent, base)
        return try systemCall(call, String(cString: base), body)
    }

    /// Moves away what is in the way of `path`. The cache is emptied before the next lookup, not here: `parent` may
    /// be one of its descriptors.
    private func displace(_ parent: Int32, _ base: UnsafePointer<CChar>) throws {
        if let extraction { try extraction.require(try status(parent, base), canBecome: reader.entry) }
        try tree.displace(parent, base)
        mustForgetDirectories = true
        // What was reached through a link has its content in the recipe itself.
        if !tree.isThroughLink { try recipe?.displaced(path.bytes[..<path.count], as: tree.displacedCount) }
    }

    private var mustForgetDirectories = false

    /// Before any lookup after something was replaced.
    func lookup(_ path: borrowing LayerPath, create: Bool) throws(SystemCallError) -> Int32 {
        forgetIfNeeded()
        return try tree.parent(of: path, create: create)
    }

    func forgetIfNeeded() {
        if mustForgetDirectories { tree.forgetDirectories() }
        mustForgetDirectories = false
    }

    // MARK: - Kinds

    private func file(_ parent: Int32, _ base: UnsafePointer<CChar>) throws {
        let mode = reader.entry.mode
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = try replacing(parent, base, "openat") { openat(parent, base, flags, mode & 0o777) }
        defer { close(descriptor) }
        let (total, isTooLarge) = size.addingReportingOverflow(reader.entry.size)
        guard !isTooLarge, total <= TarLimits.content else {
            throw SystemCallError(call: "ftruncate", errno: EFBIG)
        }
        size = total
        if reader.entry.fragments != nil || tree.isThroughLink {
            reader.recordsData = true
        } else if reader.entry.size > 0 {
            try recipe?.file(path.bytes[..<path.count], size: reader.entry.size)
        }
        if let fragments = reader.entry.fragments {
            try copySparse(fragments, to: descriptor)
        } else {
            try copyData(to: descriptor)
        }
        // The disk works while the next files are made, and the load's one sync at the end finds little to do.
        if reader.entry.size >= Self.writebackThreshold { _ = skiff_start_writeback(descriptor) }
        if mustSetOwner {
            let (uid, gid) = (reader.entry.uid, reader.entry.gid)
            try systemCall("fchown", String(cString: base)) { fchown(descriptor, uid, gid) }
        }
        // After the change of owner, which clears set-id bits, and capabilities likewise.
        if mode & 0o7000 != 0 {
            try systemCall("fchmod", String(cString: base)) { fchmod(descriptor, mode) }
        }
        for attribute in reader.entry.extendedAttributes { try set(attribute, on: descriptor) }
        try withTimes(reader.entry.modifiedSeconds, reader.entry.modifiedNanoseconds) {
            times throws(SystemCallError) in
            try systemCall("futimens", String(cString: base)) { futimens(descriptor, times) }
        }
    }

    /// Bytes from which on a file's pages are sent to the disk at once: few files hold most of a layer's bytes.
    private static let writebackThreshold: Int64 = 256 << 10

    private func copyData(to descriptor: Int32) throws {
        while true {
            let piece = try reader.nextData()
            if piece.isEmpty { return }
            var offset = 0
            while offset < piece.count {
                offset += try systemCall("write") {
                    write(descriptor, piece.baseAddress! + offset, piece.count - offset)
                }
            }
        }
    }

    private func copySparse(_ fragments: [TarEntry.Fragment], to descriptor: Int32) throws {
        let size = reader.entry.size
        try systemCall("ftruncate") { ftruncate(descriptor, Int(size)) }
        var piece = UnsafeRawBufferPointer(start: nil, count: 0)
        for fragment in fragments {
            var (position, left) = (fragment.offset, fragment.length)
            while left > 0 {
                if piece.isEmpty { piece = try reader.nextData() }
                let count = min(Int(left), piece.count)
                let written = try systemCall("pwrite") {
                    pwrite(descriptor, piece.baseAddress!, count, Int(position))
                }
                piece = UnsafeRawBufferPointer(rebasing: piece[written...])
                position += Int64(written)
                left -= Int64(written)
            }
        }
    }

    private func directory(_ parent: Int32, _ base: UnsafePointer<CChar>) throws {
        let mode = reader.entry.mode
        var isNew = true
        if mkdirat(parent, base, mode & 0o777) != 0 {
            guard errno == EEXIST else {
                throw SystemCallError(call: "mkdirat", subject: String(cString: base))
            }
            let status = try self.status(parent, base)
            isNew = status.st_mode & S_IFMT != S_IFDIR
            if isNew {
                try displace(parent, base)
                try systemCall("mkdirat", String(cString: base)) { mkdirat(parent, base, mode & 0o777) }
                // The layer deletes the lower directory and makes another: nothing of the lower one may show.
                if Self.isWhiteout(status) { try setOpaque(parent, base) }
            }
        }
        if mustSetOwner || !isNew {
            let (uid, gid) = (reader.entry.uid, reader.entry.gid)
            try systemCall("fchownat") { fchownat(parent, base, uid, gid, AT_SYMLINK_NOFOLLOW) }
        }
        if mode & 0o7000 != 0 || !isNew || hasGroupInheritance {
            try changeMode(parent, base, mode)
        }
        if mode & S_ISGID != 0 { hasGroupInheritance = true }
        try remember(path.bytes)
    }

    private func symbolicLink(_ parent: Int32, _ base: UnsafePointer<CChar>) throws {
        reader.terminateLinkName()
        try reader.entry.linkName.withUnsafeBytes { target in
            let text = target.assumingMemoryBound(to: CChar.self).baseAddress!
            _ = try replacing(parent, base, "symlinkat") { symlinkat(text, parent, base) }
        }
        try setMetadata(parent, base)
    }

    private func hardLink() throws {
        try linkPath.assign(reader.entry.linkName, of: "link target")
        guard !linkPath.isRoot else { throw SystemCallError(call: "linkat", errno: EISDIR) }
        // The cache may close the first directory for the second.
        let from = try lookup(linkPath, create: false)
        let source = Descriptor(owning: try systemCall("fcntl") { fcntl(from, F_DUPFD_CLOEXEC, 3) })
        let directory = source.rawValue
        let parent = try lookup(path, create: true)
        let (targetStart, baseStart) = (linkPath.baseStart, path.baseStart)
        try linkPath.bytes.withUnsafeBytes { target in
            let target = target.assumingMemoryBound(to: CChar.self).baseAddress! + targetStart
            try path.bytes.withUnsafeBytes { base in
                let base = base.assumingMemoryBound(to: CChar.self).baseAddress! + baseStart
                try link(directory, target, parent, base)
            }
        }
    }

    private func link(
        _ directory: Int32, _ target: UnsafePointer<CChar>, _ parent: Int32, _ base: UnsafePointer<CChar>
    ) throws {
        if linkat(directory, target, parent, base, 0) == 0 { return }
        guard errno == EEXIST else { throw SystemCallError(call: "linkat", subject: String(cString: target)) }
        let (old, new) = (try status(directory, target), try status(parent, base))
        if old.st_ino == new.st_ino { return }
        try displace(parent, base)
        try systemCall("linkat", String(cString: target)) { linkat(directory, target, parent, base, 0) }
    }

    private func node(_ parent: Int32, _ base: UnsafePointer<CChar>, _ type: mode_t) throws {
        let mode = reader.entry.mode
        let device = dev_t(skiff_make_device(reader.entry.deviceMajor, reader.entry.deviceMinor))
        _ = try replacing(parent, base, "mknodat") { mknodat(parent, base, type | mode & 0o777, device) }
        if mode & 0o7000 != 0 { try changeMode(parent, base, mode) }
        try setMetadata(parent, base)
    }

    /// Whoever owns the directory may have put a symbolic link there meanwhile.
    private func changeMode(
        _ parent: Int32, _ base: UnsafePointer<CChar>, _ mode: mode_t
    ) throws(SystemCallError) {
        try systemCall("fchmodat", String(cString: base)) {
            fchmodat(parent, base, mode, AT_SYMLINK_NOFOLLOW)
        }
    }

    private func setRoot() throws {
        guard reader.entry.kind == .directory else {
            throw path.invalid("replaces the root", reader.entry.name)
        }
        if let extraction, !extraction.setsRoot || !extraction.base.isEmpty { return }
        let (mode, uid, gid) = (reader.entry.mode, reader.entry.uid, reader.entry.gid)
        let root = tree.root.rawValue
        try systemCall("fchown") { fchown(root, uid, gid) }
        try systemCall("fchmod") { fchmod(root, mode) }
        if mode & S_ISGID != 0 { hasGroupInheritance = true }
        rootEntry = RootAttributes(mode: mode, uid: uid, gid: gid)
        try remember(path.bytes)
    }

    private func remember(_ path: [UInt8]) throws {
        directoryBytes += path.count + reader.entry.extendedAttributes.reduce(0) { $0 + $1.value.count }
        guard directoryBytes <= TarLimits.directories else {
            throw ImageError(
                .invalidLayer,
                "invalid \(self.path.container): the names of its directories take more than "
                    + "\(TarLimits.directories >> 20) MiB")
        }
        directories.append(
            DirectoryMetadata(
                path: path, seconds: reader.entry.modifiedSeconds,
                nanoseconds: reader.entry.modifiedNanoseconds,
                attributes: reader.entry.extendedAttributes))
    }

    var mustSetOwner: Bool { reader.entry.uid | reader.entry.gid != 0 || hasGroupInheritance }
}
