import Glibc
import LinuxKernel
import OCIModel

/// Makes the owner of a tree appear as another user, and what that user makes belong to the owner. All other ids stay
/// what they are, but for two: what belongs to the user's own number on the disk appears as nobody's, and who has the
/// owner's number in the container can make nothing. An exchange of the two would let one user make files of the
/// other, of root among them.
struct OwnerMapping {
    let uids: [RuntimeIDMapping]
    let gids: [RuntimeIDMapping]

    /// - Returns: nil where nothing has to be mapped
    init?(of tree: Int32, to user: ResolvedUser, _ name: String) throws(RuntimeError) {
        var status = stat()
        try step("bind source \(name)") { () throws(SystemCallError) in
            _ = try systemCall("fstat", name) { fstat(tree, &status) }
        }
        if status.st_uid == user.uid, status.st_gid == user.gid { return nil }
        uids = Self.mapping(from: status.st_uid, to: user.uid)
        gids = Self.mapping(from: status.st_gid, to: user.gid)
    }

    /// - Parameters:
    ///   - owner: on the disk
    ///   - user: in the container
    static func mapping(from owner: UInt32, to user: UInt32) -> [RuntimeIDMapping] {
        let all = UInt32.max  // this one itself is no id
        guard owner != user else { return [RuntimeIDMapping(containerID: 0, hostID: 0, size: all)] }
        var result: [RuntimeIDMapping] = []
        let (low, high) = (min(owner, user), max(owner, user))
        for (first, end) in [(0, low), (low + 1, high), (high + 1, all)] where first < end {
            result.append(RuntimeIDMapping(containerID: first, hostID: first, size: end - first))
        }
        result.append(RuntimeIDMapping(containerID: owner, hostID: user, size: 1))
        return result
    }
}

/// A user namespace that nobody is in, for its mapping's sake.
enum MappingNamespace {
    /// For a single-threaded caller: a child holds the namespace until it is open.
    static func make(
        _ uids: [RuntimeIDMapping], _ gids: [RuntimeIDMapping]
    ) throws(RuntimeError) -> Descriptor {
        try step("user namespace of a mount") { () throws(SystemCallError) in
            let parent = getpid()
            switch try LinuxKernel.fork(into: .user) {
            case .child:
                // Where it cannot be bound to the parent's life, it ends at once, and the mapping fails.
                do throws(SystemCallError) { try setParentDeathSignal(SIGKILL) } catch { _exit(1) }
                while getppid() == parent { pause() }
                _exit(1)
            case .parent(let pid, let pidfd):
                let result: Descriptor
                do throws(SystemCallError) {
                    try write(uids, to: "/proc/\(pid)/uid_map")
                    try write(gids, to: "/proc/\(pid)/gid_map")
                    result = try openFile("/proc/\(pid)/ns/user", O_RDONLY)
                } catch {
                    try end(pidfd.rawValue)
                    throw error
                }
                try end(pidfd.rawValue)
                return result
            }
        }
    }

    private static func end(_ pidfd: Int32) throws(SystemCallError) {
        try sendSignal(SIGKILL, toPidfd: pidfd)
        _ = try reap(pidfd)
    }

    /// The kernel takes a mapping in one write only (user_namespaces(7)).
    private static func write(_ mappings: [RuntimeIDMapping], to path: String) throws(SystemCallError) {
        let text = mappings.map { "\($0.containerID) \($0.hostID) \($0.size)\n" }.joined()
        let file = try openFile(path, O_WRONLY)
        try writeAll(file.rawValue, text.utf8)
    }
}
