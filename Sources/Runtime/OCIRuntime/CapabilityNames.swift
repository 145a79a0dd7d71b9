package import LinuxKernel
import OCIModel

/// Names of capabilities and the kernel's numbers (capabilities(7), `linux/capability.h`).
package enum CapabilityNames {
    package static let all: [String] = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
        "CAP_SETGID",
        "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
        "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
        "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
        "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
        "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ]

    /// The bit of a name, with or without `CAP_`, in any case; nil where no kernel has such a capability.
    package static func bit(_ name: String) -> UInt64? {
        let upper = name.uppercased()
        guard let number = all.firstIndex(of: upper.hasPrefix("CAP_") ? upper : "CAP_" + upper) else {
            return nil
        }
        return 1 << UInt64(number)
    }

    /// The names of a set's bits, lowest first.
    package static func names(_ set: UInt64) -> [String] {
        all.indices.filter { set & (1 << UInt64($0)) != 0 }.map { all[$0] }
    }

    /// What this process can give at most: its own permitted and bounding capabilities.
    package static func held() throws(SystemCallError) -> UInt64 {
        try CapabilitySets.current().permitted & boundingCapabilities()
    }

    /// The bits of several names. Names that this runtime does not know are errors: a typing error would otherwise
    /// quietly take a capability away.
    package static func set(_ names: [String]) throws(RuntimeError) -> UInt64 {
        var set: UInt64 = 0
        for name in names {
            guard let bit = bit(name) else {
                throw RuntimeError(.invalidSpecification, "unknown capability \(name)")
            }
            set |= bit
        }
        return set
    }
}

/// A specification's capability sets as bits.
struct CapabilityRequest {
    var bounding: UInt64
    var effective: UInt64
    var permitted: UInt64
    var inheritable: UInt64
    var ambient: UInt64
    /// What the caller's bounding set has beyond the wish.
    private(set) var toDrop: UInt64 = 0

    init(_ capabilities: RuntimeCapabilities) throws(RuntimeError) {
        bounding = try CapabilityNames.set(capabilities.bounding)
        effective = try CapabilityNames.set(capabilities.effective)
        permitted = try CapabilityNames.set(capabilities.permitted)
        inheritable = try CapabilityNames.set(capabilities.inheritable)
        ambient = try CapabilityNames.set(capabilities.ambient)
    }

    /// Without what this process does not hold itself.
    func clampedToOwn() throws(RuntimeError) -> CapabilityRequest {
        let bounding = boundingCapabilities()
        let permitted = try step("capabilities") { () throws(SystemCallError) in
            try CapabilitySets.current().permitted
        }
        var result = clamped(to: bounding & permitted)
        result.toDrop = bounding & ~result.bounding
        return result
    }

    /// Without what the caller does not hold itself.
    func clamped(to held: UInt64) -> CapabilityRequest {
        var result = self
        result.bounding &= held
        result.permitted &= held
        result.effective &= result.permitted
        result.inheritable &= held
        result.ambient &= result.permitted & result.inheritable
        return result
    }
}
