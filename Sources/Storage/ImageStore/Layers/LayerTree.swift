import CLinux
import Glibc
import LinuxKernel

/// The folder that a layer is unpacked into, and descriptors of the directories in it that were used last.
///
/// Every walk is confined to the folder by the kernel (`RESOLVE_IN_ROOT`): symbolic links of the layer are followed,
/// but only within it. One thread uses it.
final class LayerTree {
    private struct CachedDirectory {
        /// With a null byte at the end.
        var path: [UInt8]
        var descriptor: Int32
        /// Whether the path goes through a symbolic link.
        var isThroughLink: Bool
        var lastUse: UInt64
    }

    let root: Descriptor
    /// Takes what other entries replace, for deletion with the staging folder; nil where it is removed at once.
    private let displaced: SharedDescriptor?
    private(set) var displacedCount = 0
    /// Whether the directory looked up last was reached through a symbolic link of the layer.
    private(set) var isThroughLink = false
    /// How often the kernel was asked for a directory.
    private(set) var openCount = 0
    private var cache: [CachedDirectory] = []
    private var clock: UInt64 = 0

    private static let cacheSize = 24
    /// Longer paths are opened piece by piece: the kernel takes no more than PATH_MAX at a time.
    private static let pieceLimit = 4000
    private static let slash = UInt8(ascii: "/")

    init(root: consuming Descriptor, displaced: SharedDescriptor? = nil) {
        self.root = root
        self.displaced = displaced
    }

    deinit { forgetDirectories() }

    /// The parent directory of a path, for `*at` calls; valid until the next call.
    /// - Parameter create: whether missing directories are made (0755, owner root), as every tar program does
    /// - Throws: `SystemCallError`, such as ELOOP or ENOTDIR
    func parent(of path: borrowing LayerPath, create: Bool) throws(SystemCallError) -> Int32 {
        try directory(path.bytes, path.parentCount, create: create)
    }

    /// The directory at the first `length` bytes of `path`; valid until the next call.
    func directory(_ path: [UInt8], _ length: Int, create: Bool) throws(SystemCallError) -> Int32 {
        isThroughLink = false
        if length == 0 { return root.rawValue }
        clock += 1
        for index in cache.indices.reversed()
        where cache[index].path.count == length + 1 && Self.equal(cache[index].path, path, length) {
            cache[index].lastUse = clock
            isThroughLink = cache[index].isThroughLink
            return cache[index].descriptor
        }
        let key = Self.prefix(path, length)
        let descriptor = try open(key, create: create)
        insert(
            CachedDirectory(
                path: key, descriptor: descriptor, isThroughLink: isThroughLink, lastUse: clock))
        return descriptor
    }

    private static func equal(_ a: [UInt8], _ b: [UInt8], _ length: Int) -> Bool {
        a.withUnsafeBytes { a in
            b.withUnsafeBytes { b in memcmp(a.baseAddress!, b.baseAddress!, length) == 0 }
        }
    }

    private static func prefix(_ path: [UInt8], _ length: Int) -> [UInt8] {
        var prefix: [UInt8] = []
        prefix.reserveCapacity(length + 1)
        prefix.append(contentsOf: path[..<length])
        prefix.append(0)
        return prefix
    }

    private func insert(_ entry: CachedDirectory) {
        guard cache.count >= Self.cacheSize else { return cache.append(entry) }
        var oldest = 0
        for index in cache.indices where cache[index].lastUse < cache[oldest].lastUse { oldest = index }
        close(cache[oldest].descriptor)
        cache[oldest] = entry
    }

    /// Something that a cached path may go through was replaced.
    func forgetDirectories() {
        for entry in cache { close(entry.descriptor) }
        cache.removeAll(keepingCapacity: true)
    }

    // MARK: - Opening

    private func open(_ path: [UInt8], create: Bool) throws(SystemCallError) -> Int32 {
        let result = openInRoot(path)
        if result >= 0 { return result }
        guard -result == ENOENT, create else { throw Self.failure("openat2", -result, path) }
        return try makeDirectories(path)
    }

    /// Makes what is missing, component by component. A symbolic link on the way is followed within the root.
    /// - Returns: a descriptor of the last directory
    private func makeDirectories(_ path: [UInt8]) throws(SystemCallError) -> Int32 {
        var (current, start) = try deepestDirectory(path)
        do throws(SystemCallError) {
            while start < path.count - 1 {
                let end = path[start...].firstIndex(of: Self.slash) ?? path.count - 1
                let next = try child(Array(path[start..<end]) + [0], of: current) {
                    openInRoot(Self.prefix(path, end))
                }
                close(current)
                current = next
                start = end + 1
            }
        } catch {
            close(current)
            throw Self.failure(error.call, error.errno, path)
        }
        return current
    }

    /// Of a path that leads nowhere yet, a directory that is there, near its end: a layer may have any number of entries far
    /// down, each in a new directory, and walking from the root for each would take for ever. Looked for in growing steps.
    /// - Returns: its descriptor, and where the rest of the path begins
    private func deepestDirectory(_ path: [UInt8]) throws(SystemCallError) -> (descriptor: Int32, rest: Int) {
        var end = path.count - 1
        var step = 1
        while end > 0 {
            for _ in 0..<step where end > 0 {
                end = path[..<end].lastIndex(of: Self.slash) ?? 0
            }
            guard end > 0 else { break }
            let result = openInRoot(Self.prefix(path, end))
            if result >= 0 { return (result, end + 1) }
            step *= 2
        }
        return (try root.duplicate().take(), 0)
    }

    private func child(
        _ name: [UInt8], of parent: Int32, orThroughLink open: () -> Int32
    ) throws(SystemCallError) -> Int32 {
        for _ in 0..<2 {
            let result = name.withUnsafeBytes { openBeneath(parent, $0) }
            if result >= 0 { return result }
            if -result == ELOOP || -result == ENOTDIR { return try rawCall("openat2") { open() } }
            guard -result == ENOENT else { throw SystemCallError(call: "openat2", errno: -result) }
            try systemCall("mkdirat") {
                name.withUnsafeBytes {
                    mkdirat(parent, $0.assumingMemoryBound(to: CChar.self).baseAddress!, 0o755)
                }
            }
        }
        throw SystemCallError(call: "openat2", errno: ENOENT)
    }

    /// A descriptor, or the negated errno.
    private func openInRoot(_ path: [UInt8]) -> Int32 {
        if path.count > Self.pieceLimit { return openInPieces(path) }
        return path.withUnsafeBytes { text in
            let direct = openBeneath(root.rawValue, text)
            guard direct == -ELOOP || direct == -ENOTDIR else { return direct }
            isThroughLink = true
            return openInRoot(root.rawValue, text)
        }
    }

    /// No symbolic link on the way.
    private func openBeneath(_ directory: Int32, _ text: UnsafeRawBufferPointer) -> Int32 {
        openCount += 1
        let path = text.assumingMemoryBound(to: CChar.self).baseAddress!
        return skiff_open_beneath(directory, path, openPathOnly | O_DIRECTORY)
    }

    private func openInRoot(_ directory: Int32, _ text: UnsafeRawBufferPointer) -> Int32 {
        openCount += 1
        let path = text.assumingMemoryBound(to: CChar.self).baseAddress!
        return skiff_open_in_root(directory, path, openPathOnly | O_DIRECTORY)
    }

    /// A path above PATH_MAX: symbolic links are followed in its first piece only, so that no later one can lead
    /// anywhere else.
    private func openInPieces(_ path: [UInt8]) -> Int32 {
        var start = 0
        var current = root.rawValue
        isThroughLink = true  // nobody looked
        while start < path.count - 1 {
            var end = min(start + Self.pieceLimit, path.count - 1)
            while end < path.count - 1, path[end] != Self.slash { end -= 1 }
            let piece = Array(path[start..<end]) + [0]
            let next = piece.withUnsafeBytes {
                start == 0 ? openInRoot(current, $0) : openBeneath(current, $0)
            }
            if start > 0 { close(current) }
            guard next >= 0 else { return next }
            current = next
            start = end + 1
        }
        return current
    }

    private static func failure(_ call: String, _ errno: Int32, _ path: [UInt8]) -> SystemCallError {
        SystemCallError(call: call, errno: errno, subject: String(decoding: path.dropLast(), as: UTF8.self))
    }

    // MARK: - Replacing

    /// Moves an entry out of the way, to the name `displacedCount`, or removes it.
    func displace(_ directory: Int32, _ base: UnsafePointer<CChar>) throws(SystemCallError) {
        displacedCount += 1
        let name = String(displacedCount)
        guard let target = displaced?.rawValue else { return try removeTree(base, at: directory) }
        try systemCall("renameat", String(cString: base)) { renameat(directory, base, target, name) }
    }
}

/// O_PATH, which the C library's module does not show without _GNU_SOURCE.
let openPathOnly: Int32 = 0o10_000_000
