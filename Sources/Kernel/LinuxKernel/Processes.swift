import CLinux
import Glibc

/// What a process got rid of or shares: the kernel's `CLONE_NEW*` bits.
package struct NamespaceFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Root and working directory of the thread, of its own from then on (CLONE_FS).
    package static let fileSystem = NamespaceFlags(rawValue: 0x200)
    package static let time = NamespaceFlags(rawValue: 0x80)
    package static let mount = NamespaceFlags(rawValue: 0x2_0000)
    package static let cgroup = NamespaceFlags(rawValue: 0x200_0000)
    package static let uts = NamespaceFlags(rawValue: 0x400_0000)
    package static let ipc = NamespaceFlags(rawValue: 0x800_0000)
    package static let user = NamespaceFlags(rawValue: 0x1000_0000)
    package static let pid = NamespaceFlags(rawValue: 0x2000_0000)
    package static let network = NamespaceFlags(rawValue: 0x4000_0000)
}

package enum ForkResult: ~Copyable {
    case child
    case parent(pid: Int32, pidfd: Descriptor)
}

/// fork with new namespaces (clone3(2)); only for a process with one thread.
/// - Parameter cgroup: a version 2 directory that the child is born in
package func fork(
    into namespaces: NamespaceFlags, cgroup: Int32 = -1
) throws(SystemCallError) -> ForkResult {
    var pidfd: Int32 = -1
    let pid = try rawCall("clone3") { skiff_clone3(namespaces.rawValue, cgroup, &pidfd) }
    return pid == 0 ? .child : .parent(pid: pid, pidfd: Descriptor(owning: pidfd))
}

/// How a process ended.
package struct ProcessExit: Sendable, Equatable {
    /// The exit status, or nil where a signal ended it.
    package let status: Int32?
    package let signal: Int32?

    package init(status: Int32?, signal: Int32?) {
        self.status = status
        self.signal = signal
    }

    /// As shells count: the status, or 128 and the signal's number.
    package var code: Int32 { status ?? 128 + (signal ?? 0) }
}

/// Reaps the caller's child that `pidfd` refers to; waits for its end unless `polling`.
/// - Returns: nil where it still runs (only when polling)
package func reap(_ pidfd: Int32, polling: Bool = false) throws(SystemCallError) -> ProcessExit? {
    var code: Int32 = 0
    var status: Int32 = 0
    let options = WEXITED | (polling ? WNOHANG : 0)
    let found = try rawCall("waitid") { skiff_wait_pidfd(pidfd, options, &code, &status) }
    guard found == 1 else { return nil }
    return code == 1  // CLD_EXITED
        ? ProcessExit(status: status, signal: nil) : ProcessExit(status: nil, signal: status)
}

package func openPidfd(_ pid: Int32) throws(SystemCallError) -> Descriptor {
    Descriptor(owning: try rawCall("pidfd_open", "process \(pid)") { skiff_pidfd_open(pid) })
}

package func sendSignal(_ signal: Int32, toPidfd pidfd: Int32) throws(SystemCallError) {
    try rawCall("pidfd_send_signal") { skiff_pidfd_send_signal(pidfd, signal) }
}

/// Joins namespaces: one by the descriptor of a /proc/<pid>/ns file, or several of a pidfd's process (setns(2)).
package func joinNamespaces(
    _ descriptor: Int32, _ flags: NamespaceFlags, named name: String = ""
) throws(SystemCallError) {
    try rawCall("setns", name) { skiff_setns(descriptor, flags.rawValue) }
}

package func unshareNamespaces(_ flags: NamespaceFlags) throws(SystemCallError) {
    try rawCall("unshare") { skiff_unshare(flags.rawValue) }
}

/// Moves `flags` = CLOSE_RANGE_CLOEXEC (4) or 0 over descriptors `first` and up.
package func closeDescriptors(from first: Int32, onExec: Bool) throws(SystemCallError) {
    try rawCall("close_range") { skiff_close_range(UInt32(first), .max, onExec ? 4 : 0) }
}

package func resetSignals() { skiff_reset_signals() }

package func joinNewSessionKeyring() throws(SystemCallError) {
    try rawCall("keyctl") { skiff_new_session_keyring() }
}

/// - Parameter priorityClass: IOPRIO_CLASS_*: 1 real time, 2 best effort, 3 idle
package func setIOPriority(priorityClass: Int32, _ priority: Int32) throws(SystemCallError) {
    try rawCall("ioprio_set") { skiff_ioprio_set_self(priorityClass, priority) }
}

package func setResourceLimit(_ resource: Int32, soft: UInt64, hard: UInt64, named name: String)
    throws(SystemCallError)
{
    try rawCall("setrlimit", name) { skiff_setrlimit_self(resource, soft, hard) }
}

package func resourceLimit(_ resource: Int32) throws(SystemCallError) -> (soft: UInt64, hard: UInt64) {
    var soft: UInt64 = 0
    var hard: UInt64 = 0
    try rawCall("getrlimit") { skiff_getrlimit_self(resource, &soft, &hard) }
    return (soft, hard)
}

package func setHostname(_ name: String) throws(SystemCallError) {
    try rawCall("sethostname", name) { skiff_sethostname(name, UInt(name.utf8.count)) }
}

package func setDomainname(_ name: String) throws(SystemCallError) {
    try rawCall("setdomainname", name) { skiff_setdomainname(name, UInt(name.utf8.count)) }
}

/// The signal that this process gets when its parent ends (PR_SET_PDEATHSIG); changes of credentials reset it.
package func setParentDeathSignal(_ signal: Int32) throws(SystemCallError) {
    try rawCall("prctl", "PR_SET_PDEATHSIG") { skiff_prctl(1, UInt(signal), 0, 0, 0) }
}

package func setNoNewPrivileges() throws(SystemCallError) {
    try rawCall("prctl", "PR_SET_NO_NEW_PRIVS") { skiff_prctl(38, 1, 0, 0, 0) }
}

/// Whether others may trace this process and open its /proc entries (PR_SET_DUMPABLE).
package func setDumpable(_ dumpable: Bool) throws(SystemCallError) {
    try rawCall("prctl", "PR_SET_DUMPABLE") { skiff_prctl(4, dumpable ? 1 : 0, 0, 0, 0) }
}

/// Makes orphans below this process its children (PR_SET_CHILD_SUBREAPER).
package func becomeSubreaper() throws(SystemCallError) {
    try rawCall("prctl", "PR_SET_CHILD_SUBREAPER") { skiff_prctl(36, 1, 0, 0, 0) }
}
