import Glibc
import LinuxKernel

/// Makes the files of an archive below a directory of this machine. What a container wrote into it is not believed: no
/// name and no link leads out of the directory.
struct LocalExtraction {
    /// What the archive's first component is called here; nil for what it is called there.
    var rename: String?
    /// Whether files keep the owners that they have in the container.
    var keepsOwners = false

    private let root: SharedDescriptor
    private let place: String
    private var parent: (path: [UInt8], descriptor: SharedDescriptor)
    /// Times of directories, set last.
    private var directories: [(path: [UInt8], mode: UInt32, modified: Int64)] = []

    private static let slash = UInt8(ascii: "/")

    init(into directory: String) throws {
        place = directory
        root = SharedDescriptor(try openFile(directory, O_RDONLY | O_DIRECTORY))
        parent = ([], root)
    }

    /// - Returns: bytes of the archive
    mutating func run(_ source: @escaping () throws -> [UInt8]) throws -> Int64 {
        var parser = TarParser(source)
        do {
            while let member = try parser.next() { try make(member, &parser) }
            try parser.drain()
            for item in directories.reversed() { try finish(item.path, item.mode, item.modified) }
        } catch let error as SystemCallError {
            throw CommandError(.environment, "\(error.subject): \(FileReason.text(error))")
        }
        return parser.position
    }

    /// Components without `.` and empty ones.
    private func components(_ name: [UInt8], renaming: Bool) throws -> [[UInt8]] {
        var parts = name.split(separator: Self.slash).map { Array($0) }
        let isContent = parts.first == [0x2E]
        parts.removeAll { $0 == [0x2E] }
        guard !parts.contains([0x2E, 0x2E]) else {
            throw CommandError(
                .daemon, "the archive's \"\(String(decoding: name, as: UTF8.self))\" leads out of \(place)")
        }
        guard renaming, let rename else { return parts }
        // Of a directory whose content was asked for, the names begin with `.`, of the root's with a slash.
        if isContent || name.first == Self.slash { return [Array(rename.utf8)] + parts }
        return [Array(rename.utf8)] + parts.dropFirst()
    }

    private mutating func make(_ member: TarMember, _ parser: inout TarParser) throws {
        let parts = try components(member.name, renaming: true)
        guard let last = parts.last else { return }
        let directory = try open(Array(parts.dropLast().joined(separator: [Self.slash])))
        let base = last.map { CChar(bitPattern: $0) } + [0]
        let shown =
            place + "/" + String(decoding: Array(parts.joined(separator: [Self.slash])), as: UTF8.self)
        try clear(base, directory, member.kind == .directory, shown)
        switch member.kind {
        case .directory:
            try makeDirectory(base, directory, shown)
            directories.append((Array(parts.joined(separator: [Self.slash])), member.mode, member.modified))
            try own(member, base, directory, shown)
        case .regular: try makeFile(member, base, directory, shown, &parser)
        case .symbolicLink:
            let target = member.link.map { CChar(bitPattern: $0) } + [0]
            try systemCall("symlink", shown) { symlinkat(target, directory, base) }
            try own(member, base, directory, shown)
            try Self.setTime(member.modified, base, directory, shown)
        case .hardLink: try makeLink(member, base, directory, shown)
        case .characterDevice, .blockDevice, .fifo:
            let type: [TarMember.Kind: mode_t] = [
                .characterDevice: S_IFCHR, .blockDevice: S_IFBLK, .fifo: S_IFIFO,
            ]
            try makeNode(
                String(decoding: last, as: UTF8.self), at: directory,
                mode: (type[member.kind] ?? 0) | member.mode,
                major: member.device.major, minor: member.device.minor)
            try own(member, base, directory, shown)
            try Self.setTime(member.modified, base, directory, shown)
        }
    }

    // MARK: - Places

    /// The directory at a path below the root, made where it is missing.
    private mutating func open(_ path: [UInt8]) throws -> Int32 {
        if path == parent.path { return parent.descriptor.rawValue }
        if path.isEmpty {
            parent = ([], root)
            return root.rawValue
        }
        if try !isThere(path) {
            for (index, byte) in path.enumerated() where byte == Self.slash {
                try makeDirectory(at: Array(path[..<index]))
            }
            try makeDirectory(at: path)
        }
        parent = (path, try directory(path))
        return parent.descriptor.rawValue
    }

    private func directory(_ path: [UInt8]) throws(SystemCallError) -> SharedDescriptor {
        let text = path.map { CChar(bitPattern: $0) } + [0]
        return SharedDescriptor(try openBelow(root.rawValue, text, O_PATH | O_DIRECTORY, .beneath))
    }

    private func isThere(_ path: [UInt8]) throws(SystemCallError) -> Bool {
        let found = Result { () throws(SystemCallError) in try directory(path) }
        if case .failure(let error) = found {
            guard error.errno == ENOENT else { throw error }
            return false
        }
        return true
    }

    private func makeDirectory(at path: [UInt8]) throws(SystemCallError) {
        if try isThere(path) { return }
        let slash = path.lastIndex(of: Self.slash)
        let above =
            try slash.map { (slash) throws(SystemCallError) in try directory(Array(path[..<slash])) } ?? root
        let name = path[(slash.map { $0 + 1 } ?? 0)...].map { CChar(bitPattern: $0) } + [0]
        try systemCall("mkdir", displayName(name)) { mkdirat(above.rawValue, name, 0o755) }
    }

    /// Takes away what is in a member's place, unless both are directories.
    private mutating func clear(
        _ base: [CChar], _ directory: Int32, _ isDirectory: Bool, _ shown: String
    ) throws {
        var status = stat()
        guard fstatat(directory, base, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        let isOne = status.st_mode & S_IFMT == S_IFDIR
        guard isOne == isDirectory else {
            throw CommandError(
                .environment,
                isOne
                    ? "cannot overwrite directory \"\(shown)\" with non-directory \"\(place)\""
                    : "cannot overwrite non-directory \"\(shown)\" with directory \"\(place)\"")
        }
        if !isOne { try systemCall("unlink", shown) { unlinkat(directory, base, 0) } }
    }

    private func makeDirectory(_ base: [CChar], _ directory: Int32, _ shown: String) throws {
        guard mkdirat(directory, base, 0o700) == 0 || errno == EEXIST else {
            throw SystemCallError(call: "mkdir", subject: shown)
        }
    }

    private func finish(_ path: [UInt8], _ mode: UInt32, _ modified: Int64) throws(SystemCallError) {
        let text = path.map { CChar(bitPattern: $0) } + [0]
        let directory = try openBelow(root.rawValue, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, .beneath)
        let raw = directory.rawValue
        try systemCall("chmod", displayName(text)) { fchmod(raw, mode) }
        let times = [
            timespec(tv_sec: Int(modified), tv_nsec: 0), timespec(tv_sec: Int(modified), tv_nsec: 0),
        ]
        try systemCall("utimes", displayName(text)) { futimens(raw, times) }
    }

    // MARK: - Files

    private func makeFile(
        _ member: TarMember, _ base: [CChar], _ directory: Int32, _ shown: String, _ parser: inout TarParser
    ) throws {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = Descriptor(
            owning: try systemCall("open", shown) { openat(directory, base, flags, 0o600) })
        let raw = file.rawValue
        if let holes = member.holes {
            try systemCall("ftruncate", shown) { ftruncate(raw, off_t(holes.size)) }
            var data: ArraySlice<UInt8> = []
            for fragment in holes.fragments {
                var (offset, left) = fragment
                while left > 0 {
                    if data.isEmpty { data = try parser.nextData() }
                    guard !data.isEmpty else {
                        throw SystemCallError(call: "read", errno: EIO, subject: shown)
                    }
                    let count = min(Int(left), data.count)
                    let written = try systemCall("write", shown) {
                        data.withUnsafeBytes { pwrite(raw, $0.baseAddress, count, off_t(offset)) }
                    }
                    (data, offset, left) = (
                        data.dropFirst(written), offset + Int64(written), left - Int64(written)
                    )
                }
            }
        } else {
            while true {
                var data = try parser.nextData()
                if data.isEmpty { break }
                while !data.isEmpty {
                    let written = try systemCall("write", shown) {
                        data.withUnsafeBytes { write(raw, $0.baseAddress, $0.count) }
                    }
                    data = data.dropFirst(written)
                }
            }
        }
        if keepsOwners { try systemCall("chown", shown) { fchown(raw, member.uid, member.gid) } }
        try systemCall("chmod", shown) { fchmod(raw, member.mode) }
        let time = timespec(tv_sec: Int(member.modified), tv_nsec: 0)
        try systemCall("utimes", shown) { futimens(raw, [time, time]) }
    }

    private mutating func makeLink(
        _ member: TarMember, _ base: [CChar], _ directory: Int32, _ shown: String
    ) throws {
        let parts = try components(member.link, renaming: true)
        guard let last = parts.last else {
            throw SystemCallError(call: "link", errno: EINVAL, subject: shown)
        }
        let target = SharedDescriptor(
            try openBelow(
                root.rawValue,
                (parts.count > 1 ? Array(parts.dropLast().joined(separator: [Self.slash])) : [0x2E])
                    .map { CChar(bitPattern: $0) } + [0], O_PATH | O_DIRECTORY, .beneath))
        let name = last.map { CChar(bitPattern: $0) } + [0]
        try systemCall("link", shown) { linkat(target.rawValue, name, directory, base, 0) }
    }

    private func own(_ member: TarMember, _ base: [CChar], _ directory: Int32, _ shown: String) throws {
        guard keepsOwners else { return }
        try systemCall("chown", shown) {
            fchownat(directory, base, member.uid, member.gid, AT_SYMLINK_NOFOLLOW)
        }
    }

    private static func setTime(_ modified: Int64, _ base: [CChar], _ directory: Int32, _ shown: String)
        throws
    {
        let time = timespec(tv_sec: Int(modified), tv_nsec: 0)
        try systemCall("utimes", shown) { utimensat(directory, base, [time, time], AT_SYMLINK_NOFOLLOW) }
    }
}
