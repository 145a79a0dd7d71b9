import CLinux
import Glibc

/// Why a directory gets no limit, or none can be read.
package enum DirectoryQuotaError: Error, Equatable, CustomStringConvertible {
    /// What the file system lacks, and what to do about it; ends without a full stop.
    case unsupported(reason: String)
    case failed(SystemCallError)

    package var description: String {
        switch self {
        case .unsupported(let reason): reason
        case .failed(let error): error.description
        }
    }
}

/// A limit on the bytes that a directory with everything below it may hold, kept by the file system: writes beyond it
/// fail with EDQUOT or ENOSPC, whoever writes.
///
/// Two ways, after the file system:
/// - btrfs: the directory is a subvolume, whose quota group has the limit. Quota groups are turned on with the first
///   limit. Files cannot be renamed, nor hard links made, between it and its surroundings.
/// - xfs, ext4 and others with project quotas, where mounted with `prjquota`: the directory is a project of its own, which
///   everything made in it inherits. The limits of projects that a host's administrator made are left alone.
///
/// There is no record beside the file system's own. Release a directory before you delete it: projects stay on the file
/// system's list until then.
package enum DirectoryQuota {
    package struct Usage: Sendable, Equatable {
        /// Bytes on the disk; on btrfs as of its last transaction, at most half a minute old.
        package let bytes: UInt64
        /// Nil where the directory has no limit.
        package let limit: UInt64?
    }

    /// Finds out whether directories on the file system at `path` can be limited. Changes nothing.
    /// - Throws: `unsupported`, `failed`
    package static func requireSupport(at path: String) throws(DirectoryQuotaError) {
        let directory = try open(path)
        if try isBtrfs(directory, path) { return }
        try requireProjectQuota(directory, path)
    }

    /// Limits an empty directory, or one that has a limit already, to `bytes`.
    ///
    /// On btrfs a directory that is no subvolume is replaced by one with the same owner and mode; what a crash leaves of
    /// that is `<directory>.quota` beside it, which the next call takes away.
    /// - Throws: `unsupported`; `failed`, with ENOTEMPTY where the directory has content and no limit
    package static func limit(directory path: String, bytes: UInt64) throws(DirectoryQuotaError) {
        let directory = try open(path)
        if try isBtrfs(directory, path) { return try limitSubvolume(directory, path, bytes) }
        try requireProjectQuota(directory, path)
        try limitProject(directory, path, bytes)
    }

    /// - Returns: nil where the directory never had a limit
    package static func usage(of path: String) throws(DirectoryQuotaError) -> Usage? {
        let directory = try open(path)
        if try isBtrfs(directory, path) {
            guard try isSubvolume(directory, path) else { return nil }
            return try subvolumeUsage(directory, path)
        }
        guard let project = try ownProject(directory) else { return nil }
        let (bytes, _, limit) = try projectUsage(directory, path, project)
        return Usage(bytes: bytes, limit: limit == 0 ? nil : limit)
    }

    /// Takes the limit away, and leaves the directory and its content. One without a limit is no error.
    package static func release(directory path: String) throws(DirectoryQuotaError) {
        let directory = try open(path)
        let raw = directory.rawValue
        if try isBtrfs(directory, path) {
            guard try isSubvolume(directory, path) else { return }
            let id = try subvolume(directory, path)
            return try attempt(ignoring: [ENOTCONN, ENOENT]) { () throws(SystemCallError) in
                try rawCall("ioctl(BTRFS_IOC_QGROUP_LIMIT)", path) {
                    skiff_limit_subvolume(raw, id, UInt64.max)
                }
            }
        }
        guard let project = try ownProject(directory) else { return }
        try attempt { () throws(SystemCallError) in
            try rawCall("quotactl_fd(Q_SETQUOTA)", path) { skiff_limit_project(raw, project, 0) }
        }
    }

    // MARK: - Parts

    private static let btrfs: Int64 = 0x9123_683E
    /// The inode of a subvolume's top.
    private static let subvolumeInode: UInt64 = 256

    @discardableResult
    static func attempt<T>(
        _ body: () throws(SystemCallError) -> T
    ) throws(DirectoryQuotaError) -> T {
        do throws(SystemCallError) {
            return try body()
        } catch {
            throw .failed(error)
        }
    }

    private static func attempt(
        ignoring ignored: [Int32], _ body: () throws(SystemCallError) -> Void
    ) throws(DirectoryQuotaError) {
        do throws(SystemCallError) {
            try body()
        } catch {
            guard ignored.contains(error.errno) else { throw .failed(error) }
        }
    }

    private static func open(_ path: String) throws(DirectoryQuotaError) -> SharedDescriptor {
        try attempt { () throws(SystemCallError) in
            SharedDescriptor(try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        }
    }

    private static func isBtrfs(
        _ directory: SharedDescriptor, _ path: String
    ) throws(DirectoryQuotaError) -> Bool {
        try attempt { () throws(SystemCallError) in
            try rawCall("fstatfs", path) { skiff_file_system_type(directory.rawValue) } == btrfs
        }
    }

    private static func status(
        _ directory: SharedDescriptor, _ path: String
    ) throws(DirectoryQuotaError) -> stat {
        var status = stat()
        try attempt { () throws(SystemCallError) in
            _ = try systemCall("fstat", path) { fstat(directory.rawValue, &status) }
        }
        return status
    }

    static func requireEmpty(_ directory: SharedDescriptor, _ path: String) throws(DirectoryQuotaError) {
        let isEmpty = try attempt { () throws(SystemCallError) in
            try directoryNames(of: directory.rawValue).isEmpty
        }
        guard isEmpty else {
            throw .failed(SystemCallError(call: "limit", errno: ENOTEMPTY, subject: path))
        }
    }

    // MARK: - Btrfs

    private static func isSubvolume(
        _ directory: SharedDescriptor, _ path: String
    ) throws(DirectoryQuotaError) -> Bool {
        UInt64(try status(directory, path).st_ino) == subvolumeInode
    }

    private static func subvolume(
        _ directory: SharedDescriptor, _ path: String
    ) throws(DirectoryQuotaError) -> UInt64 {
        var id: UInt64 = 0
        try attempt { () throws(SystemCallError) in
            _ = try rawCall("ioctl(BTRFS_IOC_INO_LOOKUP)", path) {
                skiff_subvolume_id(directory.rawValue, &id)
            }
        }
        return id
    }

    private static func limitSubvolume(
        _ directory: SharedDescriptor, _ path: String, _ bytes: UInt64
    ) throws(DirectoryQuotaError) {
        if try isSubvolume(directory, path) {
            return try setSubvolumeLimit(directory, path, bytes)
        }
        try requireEmpty(directory, path)
        let status = try status(directory, path)
        let new = path + ".quota"
        let parent = try open(
            path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
        let name = new.lastIndex(of: "/").map { String(new[new.index(after: $0)...]) } ?? new
        try attempt { () throws(SystemCallError) in
            try removeTree(new)
            try rawCall("ioctl(BTRFS_IOC_SUBVOL_CREATE)", new) { skiff_make_subvolume(parent.rawValue, name) }
        }
        do throws(DirectoryQuotaError) {
            let made = try open(new)
            try attempt { () throws(SystemCallError) in
                try systemCall("fchown", new) { fchown(made.rawValue, status.st_uid, status.st_gid) }
                try systemCall("fchmod", new) { fchmod(made.rawValue, status.st_mode & 0o7777) }
            }
            try setSubvolumeLimit(made, new, bytes)
            try attempt { () throws(SystemCallError) in
                try systemCall("rename", path) { rename(new, path) }
            }
        } catch {
            rmdir(new)
            throw error
        }
    }

    private static func setSubvolumeLimit(
        _ directory: SharedDescriptor, _ path: String, _ bytes: UInt64
    ) throws(DirectoryQuotaError) {
        let id = try subvolume(directory, path)
        let raw = directory.rawValue
        func set() throws(SystemCallError) {
            try rawCall("ioctl(BTRFS_IOC_QGROUP_LIMIT)", path) { skiff_limit_subvolume(raw, id, bytes) }
        }
        try attempt { () throws(SystemCallError) in
            do throws(SystemCallError) {
                try set()
            } catch {
                guard error.errno == ENOTCONN else { throw error }
                try rawCall("ioctl(BTRFS_IOC_QUOTA_CTL)", path) { skiff_enable_subvolume_quotas(raw) }
                try set()
            }
        }
    }

    private static func subvolumeUsage(
        _ directory: SharedDescriptor, _ path: String
    ) throws(DirectoryQuotaError) -> Usage? {
        let id = try subvolume(directory, path)
        var bytes: UInt64 = 0
        var limit: UInt64 = 0
        let result = skiff_subvolume_usage(directory.rawValue, id, &bytes, &limit)
        // No quota tree, or none of this subvolume: quota groups are off.
        if result == -ENOENT || result == -ENODATA { return nil }
        guard result == 0 else {
            throw .failed(
                SystemCallError(call: "ioctl(BTRFS_IOC_TREE_SEARCH)", errno: -result, subject: path))
        }
        return Usage(bytes: bytes, limit: limit == .max ? nil : limit)
    }
}
