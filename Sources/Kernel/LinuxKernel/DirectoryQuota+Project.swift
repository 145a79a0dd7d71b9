import CLinux
import Glibc

/// Project quotas: every inode has a project number, and a directory hands its own on to what is made in it.
extension DirectoryQuota {
    /// Numbers are taken from here on, far from those that administrators give by hand.
    private static let firstProject: UInt32 = 0x4000_0000
    private static let projectCount: UInt32 = 0x2000_0000

    static func requireProjectQuota(
        _ directory: SharedDescriptor, _ path: String
    ) throws(DirectoryQuotaError) {
        var accounts: Int32 = 0
        var enforces: Int32 = 0
        let result = skiff_project_quota_state(directory.rawValue, &accounts, &enforces)
        if result == 0, accounts != 0, enforces != 0 { return }
        switch -result {
        case 0, ESRCH, ENOSYS, EINVAL, ENOTTY, EOPNOTSUPP, ENODEV, ENOTBLK:
            throw .unsupported(
                reason: "the file system at \(path) (\(fileSystemName(directory))) keeps no project quotas; "
                    + "sizes need btrfs, or xfs or ext4 mounted with the option prjquota")
        default:
            throw .failed(SystemCallError(call: "quotactl_fd", errno: -result, subject: path))
        }
    }

    /// The project that a directory made its own; nil where it has none or its parent's.
    static func ownProject(_ directory: SharedDescriptor) throws(DirectoryQuotaError) -> UInt32? {
        guard let project = try inheritedProject(directory.rawValue), project >= firstProject,
            project - firstProject < projectCount
        else { return nil }
        let parent = try attempt { () throws(SystemCallError) in
            SharedDescriptor(try openFile("..", O_RDONLY | O_DIRECTORY, at: directory.rawValue))
        }
        return try inheritedProject(parent.rawValue) == project ? nil : project
    }

    /// The project that a directory hands on.
    private static func inheritedProject(_ directory: Int32) throws(DirectoryQuotaError) -> UInt32? {
        var project: UInt32 = 0
        var inherits: Int32 = 0
        let result = skiff_get_project(directory, &project, &inherits)
        if result == -ENOTTY || result == -EOPNOTSUPP { return nil }
        guard result == 0 else {
            throw .failed(SystemCallError(call: "ioctl(FS_IOC_FSGETXATTR)", errno: -result))
        }
        return inherits != 0 ? project : nil
    }

    static func projectUsage(
        _ directory: SharedDescriptor, _ path: String, _ project: UInt32
    ) throws(DirectoryQuotaError) -> (bytes: UInt64, inodes: UInt64, limit: UInt64) {
        var bytes: UInt64 = 0
        var inodes: UInt64 = 0
        var limit: UInt64 = 0
        try attempt { () throws(SystemCallError) in
            _ = try rawCall("quotactl_fd(Q_GETQUOTA)", path) {
                skiff_project_usage(directory.rawValue, project, &bytes, &inodes, &limit)
            }
        }
        return (bytes, inodes, limit)
    }

    /// A directory's own project keeps its number. A new one is set before the directory belongs to it, so that nothing
    /// is ever written without the limit.
    static func limitProject(
        _ directory: SharedDescriptor, _ path: String, _ bytes: UInt64
    ) throws(DirectoryQuotaError) {
        let raw = directory.rawValue
        let own = try ownProject(directory)
        if own == nil { try requireEmpty(directory, path) }
        let project = if let own { own } else { try unusedProject(directory, path) }
        try attempt { () throws(SystemCallError) in
            try rawCall("quotactl_fd(Q_SETQUOTA)", path) { skiff_limit_project(raw, project, bytes) }
            if own != nil { return }
            do throws(SystemCallError) {
                try rawCall("ioctl(FS_IOC_FSSETXATTR)", path) { skiff_set_project(raw, project, 1) }
            } catch {
                _ = skiff_limit_project(raw, project, 0)
                throw error
            }
        }
    }

    /// The file system itself knows which numbers are taken: those with files or a limit. Chosen at random, so that two
    /// who choose at the same time do not meet.
    private static func unusedProject(
        _ directory: SharedDescriptor, _ path: String
    ) throws(DirectoryQuotaError) -> UInt32 {
        for _ in 0..<1000 {
            let project = firstProject + UInt32.random(in: 0..<projectCount)
            let (_, inodes, limit) = try projectUsage(directory, path, project)
            if inodes == 0, limit == 0 { return project }
        }
        throw .failed(SystemCallError(call: "quotactl_fd(Q_GETQUOTA)", errno: EUSERS, subject: path))
    }

    private static func fileSystemName(_ directory: SharedDescriptor) -> String {
        switch skiff_file_system_type(directory.rawValue) {
        case 0x5846_5342: "xfs"
        case 0xEF53: "ext4"
        case 0x0102_1994: "tmpfs"
        case 0x794C_7630: "overlay"
        case let type: "type 0x" + String(type, radix: 16)
        }
    }
}
