import Glibc
import ImageStore
import LinuxKernel
import OCIModel

extension FileView {
    /// A file that was found.
    struct Place: Sendable {
        /// The directory itself, readable, where the file is one; else the one that it is in.
        let directory: SharedDescriptor
        /// nil where the file is the directory.
        let base: String?
        let status: ContainerPathStatus
    }

    /// - Parameter container: as the client named it, for messages in Docker's words
    func locate(_ text: String, in container: String) throws -> Place {
        let path = ContainerPath(text)
        do {
            if path.asksForDirectory { return try directory(path.clean, path) }
            let parent = SharedDescriptor(
                try openBelow(root.rawValue, path.parent, O_PATH | O_DIRECTORY, Self.resolution))
            var status = stat()
            try systemCall("fstatat", path.clean) {
                fstatat(parent.rawValue, path.base, &status, AT_SYMLINK_NOFOLLOW)
            }
            if status.st_mode & S_IFMT == S_IFDIR {
                return try directory(path.base, path, below: parent.rawValue)
            }
            let file = try openBelow(parent.rawValue, path.base, O_PATH | O_NOFOLLOW, .beneath)
            try Self.requireOwnFiles(file.rawValue, text)
            let isLink = status.st_mode & S_IFMT == S_IFLNK
            let link = isLink ? try target(of: path, parent: parent.rawValue) : ""
            return Place(
                directory: parent, base: path.base,
                status: ContainerPathStatus(status, name: path.archiveName, linkTarget: link))
        } catch let error as SystemCallError {
            throw Self.refusal(error, text, container)
        }
    }

    private static let resolution: PathResolution = [.inRoot, .noMagicLinks]

    private func directory(_ name: String, _ path: ContainerPath, below parent: Int32? = nil) throws -> Place
    {
        let flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | (parent == nil ? 0 : O_NOFOLLOW)
        let directory = SharedDescriptor(
            try openBelow(
                parent ?? root.rawValue, name, flags, parent == nil ? Self.resolution : .beneath))
        try Self.requireOwnFiles(directory.rawValue, path.clean)
        var status = stat()
        try systemCall("fstat", path.clean) { fstat(directory.rawValue, &status) }
        return Place(
            directory: directory, base: nil,
            status: ContainerPathStatus(status, name: path.archiveName, linkTarget: ""))
    }

    /// What the kernel makes as it is read has no size, and may have no end.
    private static func requireOwnFiles(_ file: Int32, _ text: String) throws(EngineError) {
        guard PseudoFileSystem.has(file) else { return }
        throw .invalid(
            "cannot copy \(text): it lies on a file system of the kernel's own, such as /proc, which has no files"
        )
    }

    /// Where a link leads, as a path of the container: where there is nothing, what the link says.
    private func target(of path: ContainerPath, parent: Int32) throws -> String {
        if let file = try? openBelow(root.rawValue, path.clean, O_PATH, Self.resolution) {
            if let text = Self.link("/proc/self/fd/\(file.rawValue)", at: AT_FDCWD), text.hasPrefix("/") {
                return text
            }
        }
        let text = Self.link(path.base, at: parent) ?? ""
        return ContainerPath(text.hasPrefix("/") ? text : "\(path.parent)/\(text)").clean
    }

    private static func link(_ path: String, at directory: Int32) -> String? {
        withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { buffer in
            let text = buffer.assumingMemoryBound(to: CChar.self)
            let count = readlinkat(directory, path, text.baseAddress!, text.count)
            guard count > 0 else { return nil }
            return String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    static func refusal(_ error: SystemCallError, _ path: String, _ container: String) -> any Error {
        switch error.errno {
        case ENOENT:
            EngineError(
                .invalidParameter, "Could not find the file \(path) in container \(container)",
                cause: error, category: .notFound)
        case ENOTDIR, ELOOP, ENAMETOOLONG, EXDEV, EACCES:
            EngineError.invalid("cannot look up \(path) in container \(container): \(error)")
        default: error
        }
    }

    /// A small regular file of the container; empty where there is none.
    func content(of path: String) -> [UInt8] {
        guard
            let file = try? openBelow(root.rawValue, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, Self.resolution)
        else { return [] }
        var status = stat()
        guard fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return [] }
        return (try? readAll(file.rawValue, limit: 16 << 20)) ?? []
    }
}
