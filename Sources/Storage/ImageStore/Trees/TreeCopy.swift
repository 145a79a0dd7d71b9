import CLinux
import Glibc
package import LinuxKernel

/// Is told how far a copy is, and can call it off.
package protocol CopyObserver: AnyObject, Sendable {
    /// - Parameters:
    ///   - bytes: that are there now, beyond those that were told before
    ///   - isShared: whether they share their blocks with the source's
    /// - Throws: ECANCELED where it was called off
    func add(_ bytes: Int64, isShared: Bool) throws(SystemCallError)
}

/// Copies the content of one directory into another: every kind of file, with owner, mode, times, extended attributes
/// and hard links, as `cp -a` does. Never follows a symbolic link on either side; works through descriptors only, so
/// that nothing outside of the two directories can be reached. Blocks.
package struct TreeCopy: ~Copyable {
    private struct FileID: Hashable {
        let device: dev_t
        let inode: ino_t
    }

    /// A directory that is being copied.
    private final class Frame {
        let source: Descriptor
        let target: Descriptor
        var names: [[CChar]]
        let status: stat
        /// Below the copy's root, without a closing NUL; empty or ending in `/`.
        let path: [CChar]

        init(
            source: consuming Descriptor, target: consuming Descriptor, names: [[CChar]], status: stat,
            path: [CChar]
        ) {
            self.source = source
            self.target = target
            self.names = names
            self.status = status
            self.path = path
        }
    }

    /// First copies of files with several names, as paths below the target.
    private var links: [FileID: [CChar]] = [:]
    private var stack: [Frame] = []
    private let root: Int32
    private let observer: (any CopyObserver)?
    /// Takes what is in the way; nil where nothing may be.
    private let displaced: DisplacedFiles?

    private init(root: Int32, observer: (any CopyObserver)?, displaced: DisplacedFiles?) {
        self.root = root
        self.observer = observer
        self.displaced = displaced
    }

    /// Copies content and attributes of `source` to `target`; both are open directories and stay open.
    /// - Parameter monitor: is told how far it is, and can call it off
    package static func copy(
        from source: Int32, to target: Int32, monitor: (any CopyObserver)? = nil
    ) throws(SystemCallError) {
        try run(from: source, to: target, TreeCopy(root: target, observer: monitor, displaced: nil))
    }

    /// Copies an unpacked layer over the layers below it, as an overlay shows them: what it deletes goes, what it
    /// replaces goes, directories become one.
    static func apply(
        layer source: Int32, to target: Int32, displaced: DisplacedFiles
    ) throws(SystemCallError) {
        try run(from: source, to: target, TreeCopy(root: target, observer: nil, displaced: displaced))
    }

    private static func run(
        from source: Int32, to target: Int32, _ start: consuming TreeCopy
    ) throws(SystemCallError) {
        var copy = start
        try copy.push(source: try reopen(source), target: try reopen(target), path: [])
        while let frame = copy.stack.last {
            if let name = frame.names.popLast() {
                try copy.entry(name, in: frame)
            } else {
                copy.stack.removeLast()
                // Last, because making entries changes the directory's times.
                try FileAttributes.apply(frame.status, to: frame.target.rawValue)
            }
        }
    }

    /// A descriptor with a read position of its own.
    private static func reopen(_ directory: Int32) throws(SystemCallError) -> Descriptor {
        try openFile(".", O_RDONLY | O_DIRECTORY, at: directory)
    }

    /// Each level holds two descriptors.
    private static let depthLimit = 1000

    private mutating func push(
        source: consuming Descriptor, target: consuming Descriptor, path: [CChar]
    ) throws(SystemCallError) {
        guard stack.count < Self.depthLimit else {
            throw SystemCallError(call: "openat", errno: ENAMETOOLONG, subject: displayName(path))
        }
        let raw = source.rawValue
        var status = stat()
        try systemCall("fstat") { fstat(raw, &status) }
        try ExtendedAttributes.copy(from: raw, to: target.rawValue)
        let names = try directoryNames(of: raw)
        stack.append(Frame(source: source, target: target, names: names, status: status, path: path))
    }

    private mutating func entry(_ name: [CChar], in frame: Frame) throws(SystemCallError) {
        let source = frame.source.rawValue
        let target = frame.target.rawValue
        try observer?.add(0, isShared: false)
        var status = stat()
        try systemCall("fstatat", displayName(name)) { fstatat(source, name, &status, AT_SYMLINK_NOFOLLOW) }
        let id = FileID(device: status.st_dev, inode: status.st_ino)
        if status.st_nlink > 1, status.st_mode & S_IFMT != S_IFDIR {
            if let first = links[id] {
                _ = try displaced?.makeWay(for: name, status, from: source, in: target)
                // Where the path is too long for one call, the name gets a copy of its own.
                if linkat(root, first, target, name, 0) == 0 { return }
                guard errno == ENAMETOOLONG else {
                    throw SystemCallError(call: "linkat", subject: displayName(name))
                }
            }
            links[id] = frame.path + name
        }
        if try displaced?.makeWay(for: name, status, from: source, in: target) == .deleted { return }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: try directory(name, in: frame)
        case S_IFREG: try regular(name, source, target, status)
        case S_IFLNK: try symbolicLink(name, source, target, status)
        default: try special(name, target, status)
        }
    }

    private mutating func directory(_ name: [CChar], in frame: Frame) throws(SystemCallError) {
        let source = frame.source.rawValue
        let target = frame.target.rawValue
        // A directory that a caller made before (a mount point) is filled.
        if mkdirat(target, name, 0o700) != 0, errno != EEXIST {
            throw SystemCallError(call: "mkdirat", subject: displayName(name))
        }
        try push(
            source: try open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, at: source),
            target: try open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, at: target),
            path: frame.path + name.dropLast() + [0x2F])
    }

    private func regular(
        _ name: [CChar], _ source: Int32, _ target: Int32, _ status: stat
    ) throws(SystemCallError) {
        let input = try open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, at: source)
        let output = try open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, at: target)
        try FileContent.copy(from: input.rawValue, to: output.rawValue, observer: observer)
        // After the owner: a change of owner drops the capabilities that are among the attributes.
        try FileAttributes.apply(status, to: output.rawValue, timesToo: false)
        try ExtendedAttributes.copy(from: input.rawValue, to: output.rawValue)
        try FileAttributes.applyTimes(status, to: output.rawValue)
    }

    private func symbolicLink(
        _ name: [CChar], _ source: Int32, _ target: Int32, _ status: stat
    ) throws(SystemCallError) {
        var content = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        try systemCall("readlinkat", displayName(name)) { readlinkat(source, name, &content, Int(PATH_MAX)) }
        try systemCall("symlinkat", displayName(name)) { symlinkat(content, target, name) }
        try setOwnerAndTimes(name, target, status)
    }

    private func special(_ name: [CChar], _ target: Int32, _ status: stat) throws(SystemCallError) {
        try systemCall("mknodat", displayName(name)) { mknodat(target, name, status.st_mode, status.st_rdev) }
        try setOwnerAndTimes(name, target, status)
        try systemCall("fchmodat", displayName(name)) {
            fchmodat(target, name, status.st_mode & 0o7777, AT_SYMLINK_NOFOLLOW)
        }
    }

    private func setOwnerAndTimes(_ name: [CChar], _ target: Int32, _ status: stat) throws(SystemCallError) {
        try systemCall("fchownat", displayName(name)) {
            fchownat(target, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW)
        }
        let times = [status.st_atim, status.st_mtim]
        try systemCall("utimensat", displayName(name)) { utimensat(target, name, times, AT_SYMLINK_NOFOLLOW) }
    }

    private func open(_ name: [CChar], _ flags: Int32, at directory: Int32) throws(SystemCallError)
        -> Descriptor
    {
        Descriptor(
            owning: try systemCall("openat", displayName(name)) {
                openat(directory, name, flags | O_CLOEXEC, 0o600)
            }
        )
    }
}
