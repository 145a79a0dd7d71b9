import CLinux
import Glibc
import LinuxKernel

/// Goes over everything below an open directory by descriptors: a directory before what is in it, the names of a
/// directory in the order of their bytes (where they are very many, in parts).
///
/// The tree may change meanwhile, and whoever changes it may be hostile: no symbolic link is followed, what disappears
/// is passed over, a directory that moved away is noticed. However deep and large the tree, few descriptors are open
/// and the names of few directories in memory.
final class TreeWalk {
    /// Names of a directory that are held at once.
    private static let batchSize = 8192
    /// Directories that stay open; those above are opened again from below.
    private static let openLimit = 64

    private final class Frame {
        var directory: Int32
        let device: dev_t
        let inode: ino_t
        /// Of the directory's path, with its closing slash; 0 for the root.
        let pathCount: Int
        var names: [UInt8] = []
        /// Where each name begins.
        var starts: [Int] = []
        var next = 0
        /// Where the names behind the batch begin, for lseek(2).
        var position: Int64 = 0
        var isComplete = false

        init(directory: Int32, device: dev_t, inode: ino_t, pathCount: Int) {
            self.directory = directory
            self.device = device
            self.inode = inode
            self.pathCount = pathCount
        }

        deinit { suspend() }

        func suspend() {
            if directory >= 0 { close(directory) }
            directory = -1
        }
    }

    /// What the current entry is in.
    private(set) var directory: Int32 = -1
    /// Of the current entry, from the root, without a slash at its end.
    private(set) var path: [UInt8] = []
    private(set) var status = stat()

    private var stack: [Frame] = []
    private var firstOpen = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)

    /// - Parameter root: an open directory, which stays open; its position does not change
    init(root: Int32) throws(SystemCallError) {
        try push(try systemCall("openat") { openat(root, ".", Self.openFlags) }, pathCount: 0)
    }

    deinit { buffer.deallocate() }

    private static let openFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC

    /// Calls `visit` for every entry, with its name for `*at` calls.
    /// - Parameter visit: returns whether to enter the directory that the entry is
    func run(_ visit: (UnsafePointer<CChar>) throws -> Bool) throws {
        while let frame = stack.last {
            guard try fill(frame) else {
                try pop()
                continue
            }
            let start = frame.starts[frame.next]
            frame.next += 1
            path.removeLast(path.count - frame.pathCount)
            try frame.names.withUnsafeBytes { names in
                let name = names.baseAddress!.advanced(by: start).assumingMemoryBound(to: CChar.self)
                try self.visit(name, in: frame, visit)
            }
        }
    }

    private func visit(
        _ name: UnsafePointer<CChar>, in frame: Frame, _ visit: (UnsafePointer<CChar>) throws -> Bool
    ) throws {
        if fstatat(frame.directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 {
            guard errno == ENOENT else {
                throw SystemCallError(call: "fstatat", subject: String(cString: name))
            }
            return
        }
        path.append(contentsOf: UnsafeRawBufferPointer(start: name, count: strlen(name)))
        directory = frame.directory
        guard try visit(name), status.st_mode & S_IFMT == S_IFDIR else { return }
        let opened = openat(frame.directory, name, Self.openFlags)
        guard opened >= 0 else {
            // Gone, or something else by now.
            guard [ENOENT, ENOTDIR, ELOOP].contains(errno) else {
                throw SystemCallError(call: "openat", subject: String(cString: name))
            }
            return
        }
        path.append(UInt8(ascii: "/"))
        try push(opened, pathCount: path.count)
    }

    // MARK: - Directories

    private func push(_ directory: Int32, pathCount: Int) throws(SystemCallError) {
        var status = stat()
        guard fstat(directory, &status) == 0 else {
            let error = SystemCallError(call: "fstat")
            close(directory)
            throw error
        }
        stack.append(
            Frame(directory: directory, device: status.st_dev, inode: status.st_ino, pathCount: pathCount))
        if stack.count - firstOpen > Self.openLimit {
            stack[firstOpen].suspend()
            firstOpen += 1
        }
    }

    /// Leaves the directory; where the one above was closed, it is opened again from here.
    private func pop() throws(SystemCallError) {
        let left = stack.removeLast()
        guard let above = stack.last, above.directory < 0 else { return }
        above.directory = openat(left.directory, "..", Self.openFlags)
        var status = stat()
        guard above.directory >= 0, fstat(above.directory, &status) == 0, status.st_ino == above.inode,
            status.st_dev == above.device, lseek(above.directory, off_t(above.position), SEEK_SET) >= 0
        else {
            // The directory was moved elsewhere while it was read.
            let subject = String(decoding: path.prefix(above.pathCount), as: UTF8.self)
            throw SystemCallError(call: "openat", errno: ESTALE, subject: subject)
        }
        firstOpen = stack.count - 1
    }

    /// - Returns: whether there is another name
    private func fill(_ frame: Frame) throws(SystemCallError) -> Bool {
        if frame.next < frame.starts.count { return true }
        frame.names.removeAll(keepingCapacity: true)
        frame.starts.removeAll(keepingCapacity: true)
        frame.next = 0
        while !frame.isComplete, frame.starts.count < Self.batchSize {
            let count = skiff_read_directory(frame.directory, buffer.baseAddress, UInt64(buffer.count))
            // A directory that was removed while it is open.
            if count == -Int64(ENOENT) || count == 0 {
                frame.isComplete = true
                break
            }
            try rawCall("getdents64") { count }
            take(Int(count), frame)
        }
        frame.names.withUnsafeBytes {
            guard let names = $0.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
            frame.starts.sort { strcmp(names + $0, names + $1) < 0 }
        }
        return !frame.starts.isEmpty
    }

    /// Entries as getdents64(2) gives them: inode, position of the next, length, type, name.
    private func take(_ count: Int, _ frame: Frame) {
        var offset = 0
        while offset < count {
            let record = UnsafeRawBufferPointer(buffer)[offset...]
            let entry = UnsafeRawBufferPointer(rebasing: record)
            frame.position = entry.loadUnaligned(fromByteOffset: 8, as: Int64.self)
            let name = entry.baseAddress! + 19
            let length = strlen(name.assumingMemoryBound(to: CChar.self))
            let isDots = length <= 2 && (0..<length).allSatisfy { entry[19 + $0] == UInt8(ascii: ".") }
            if !isDots {
                frame.starts.append(frame.names.count)
                frame.names.append(contentsOf: UnsafeRawBufferPointer(start: name, count: length + 1))
            }
            offset += Int(entry.loadUnaligned(fromByteOffset: 16, as: UInt16.self))
        }
    }
}

/// Calls `visit` for everything below a folder, with the path relative to it; a directory before what is in it.
/// Links are not followed. What disappears meanwhile is passed over: a running container's layer changes.
func walkTree(_ root: String, _ visit: (String, stat) throws -> Void) throws {
    let directory = try openFile(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let walk = try TreeWalk(root: directory.rawValue)
    do {
        try walk.run { _ in
            try visit(String(decoding: walk.path, as: UTF8.self), walk.status)
            return true
        }
    } catch let error as SystemCallError where error.errno == ESTALE {
        return  // A directory moved while it was read: what is left of it is not here any more.
    }
}
