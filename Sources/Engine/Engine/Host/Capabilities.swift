/// Capabilities by name and number (capabilities(7)), and Docker's default selection.
enum Capability {
    /// Position is the kernel's number.
    static let names: [String] = [
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

    static let defaults: [String] = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
        "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL",
        "CAP_AUDIT_WRITE",
    ]

    /// With prefix and in capitals, or `ALL`.
    /// - Throws: for a name that is no capability
    static func normalized(_ name: String, option: String) throws(EngineError) -> String {
        let upper = name.uppercased()
        if upper == "ALL" || upper == "CAP_ALL" { return "ALL" }
        let full = upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
        guard names.contains(full) else {
            throw .invalid("invalid \(option): unknown capability: \"\(full)\"")
        }
        return full
    }

    /// The set that a container gets before it is clamped to what the host has.
    static func selection(_ security: SecuritySpec) throws(EngineError) -> [String] {
        if security.isPrivileged { return names }
        var added: [String] = []
        for name in security.capabilitiesAdded { added.append(try normalized(name, option: "CapAdd")) }
        var dropped: [String] = []
        for name in security.capabilitiesDropped { dropped.append(try normalized(name, option: "CapDrop")) }
        var result: [String]
        if added.contains("ALL") {
            result = names
        } else if dropped.contains("ALL") {
            result = []
        } else {
            result = defaults
        }
        result.removeAll { dropped.contains($0) }
        for name in added where name != "ALL" && !result.contains(name) { result.append(name) }
        return result
    }

    /// Splits into what the host can give and what it cannot.
    static func clamp(_ wanted: [String], _ features: HostFeatures) -> (given: [String], missing: [String]) {
        let given = wanted.filter { name in
            guard let number = names.firstIndex(of: name), number <= features.lastCapability else {
                return false
            }
            return features.boundingCapabilities & (1 << UInt64(number)) != 0
        }
        return (given, wanted.filter { !given.contains($0) })
    }
}
