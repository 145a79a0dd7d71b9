import CLinux

/// The three sets of a thread's capabilities that capset(2) sets, one bit for each capability.
package struct CapabilitySets: Sendable, Equatable {
    package var effective: UInt64
    package var permitted: UInt64
    package var inheritable: UInt64

    package init(effective: UInt64, permitted: UInt64, inheritable: UInt64) {
        self.effective = effective
        self.permitted = permitted
        self.inheritable = inheritable
    }

    package static func current() throws(SystemCallError) -> CapabilitySets {
        var sets = CapabilitySets(effective: 0, permitted: 0, inheritable: 0)
        try rawCall("capget") { skiff_capget(&sets.effective, &sets.permitted, &sets.inheritable) }
        return sets
    }

    package func apply() throws(SystemCallError) {
        try rawCall("capset") { skiff_capset(effective, permitted, inheritable) }
    }
}

/// The bounding set: what no program that this process executes can gain.
package func boundingCapabilities() -> UInt64 {
    var set: UInt64 = 0
    for capability in 0..<64 {
        let held = skiff_prctl(23, UInt(capability), 0, 0, 0)  // PR_CAPBSET_READ
        if held < 0 { break }
        if held == 1 { set |= 1 << capability }
    }
    return set
}

package func dropBoundingCapability(_ capability: Int) throws(SystemCallError) {
    try rawCall("prctl", "PR_CAPBSET_DROP \(capability)") { skiff_prctl(24, UInt(capability), 0, 0, 0) }
}

package func raiseAmbientCapability(_ capability: Int) throws(SystemCallError) {
    try rawCall("prctl", "PR_CAP_AMBIENT_RAISE \(capability)") { skiff_prctl(47, 2, UInt(capability), 0, 0) }
}

package func clearAmbientCapabilities() throws(SystemCallError) {
    try rawCall("prctl", "PR_CAP_AMBIENT_CLEAR_ALL") { skiff_prctl(47, 4, 0, 0, 0) }
}

/// Whether permitted capabilities survive a change of the user id from 0 (PR_SET_KEEPCAPS).
package func keepCapabilities(_ keep: Bool) throws(SystemCallError) {
    try rawCall("prctl", "PR_SET_KEEPCAPS") { skiff_prctl(8, keep ? 1 : 0, 0, 0, 0) }
}

/// Real, effective and saved ids of this (only) thread, supplementary groups first.
package func becomeUser(uid: UInt32, gid: UInt32, groups: [UInt32]) throws(SystemCallError) {
    try rawCall("setgroups") { skiff_setgroups(groups, UInt(groups.count)) }
    try rawCall("setresgid", "\(gid)") { skiff_setresgid(gid) }
    try rawCall("setresuid", "\(uid)") { skiff_setresuid(uid) }
}

/// Loads a system call filter (seccomp(2), SECCOMP_SET_MODE_FILTER).
/// - Parameter instructions: eight bytes each
package func loadSeccomp(_ instructions: [UInt8], flags: UInt32) throws(SystemCallError) {
    try rawCall("seccomp") { skiff_seccomp_load(instructions, UInt32(instructions.count / 8), flags) }
}
