package import LinuxKernel
package import OCIModel

/// One container's control group: one directory on version 2, one in every hierarchy on version 1.
///
/// Everything here blocks and may be called from any thread; a value holds no descriptors.
package protocol Cgroup: Sendable {
    /// The group's path below each hierarchy's mount, such as `/skiff/1f2e…`.
    var path: String { get }

    /// The directory that holds `processes` for people to look at, such as `/sys/fs/cgroup/memory/skiff/1f2e…`.
    var directory: String { get }

    /// Sets the limits that are given; values that are absent stay as they are.
    func apply(_ resources: RuntimeResources) throws(CgroupError)

    /// Opens what a new process needs to join; to be used by the process that was made with it.
    func openMembership() throws(CgroupError) -> CgroupMembership

    /// To be called once the first process is in: what kept the group for it may go.
    func processJoined()

    /// Processes of this group and, where asked, of those below it.
    func processes(recursive: Bool) throws(CgroupError) -> [Int32]

    /// Stops every process (returns when all of them are) or lets them run again.
    func setFrozen(_ frozen: Bool) throws(CgroupError)

    func isFrozen() throws(CgroupError) -> Bool

    func statistics() throws(CgroupError) -> CgroupStatistics

    /// How many processes the kernel has killed for lack of memory under the group's own limit.
    func outOfMemoryKills() throws(CgroupError) -> UInt64

    /// Removes the group and those below it.
    /// - Throws: `.busy` while a process is left in it; kill them first (`killAll`).
    func remove() throws(CgroupError)
}

extension Cgroup {
    package func processJoined() {}
}

/// How a process that is being made gets into a control group.
///
/// On version 1 the new process writes `0` to every `tasks` file itself, which spares it the wait (up to 20 ms) that
/// a pid written to `cgroup.procs` costs. On version 2 it is born there by CLONE_INTO_CGROUP, or, where that is not
/// possible, writes `0` to `cgroup.procs`.
package struct CgroupMembership: Sendable {
    /// Open for writing `0`.
    package let files: [SharedDescriptor]
    /// The version 2 directory for clone3; nil on version 1.
    package let directory: SharedDescriptor?

    package init(files: [SharedDescriptor], directory: SharedDescriptor?) {
        self.files = files
        self.directory = directory
    }
}
