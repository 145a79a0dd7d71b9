import CSeccomp
import Glibc
import LinuxKernel
import OCIModel

/// Compiles rules to the kernel's filter program, with libseccomp. A few milliseconds; the result is cached.
enum SeccompCompiler {
    /// - Returns: the bytes of a `struct sock_filter` array
    /// - Throws: `EngineError` naming the rule that libseccomp refuses
    static func compile(_ profile: RuntimeSeccomp) throws -> [UInt8] {
        let standard = try action(profile.defaultAction, profile.defaultErrno)
        guard let context = seccomp_init(standard) else {
            throw EngineError.invalid("seccomp: the default action \(profile.defaultAction) is refused")
        }
        defer { seccomp_release(context) }
        for name in profile.architectures { try add(architecture: name, context) }
        // Looks calls up in a binary tree: fewer instructions for each.
        try check(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), "the optimization")
        for rule in profile.syscalls {
            let action = try action(rule.action, rule.errno)
            // libseccomp refuses rules that say what holds anyway.
            if action == standard { continue }
            for name in rule.names { try add(name, action, rule.args, context) }
        }
        return try export(context)
    }

    private static func add(architecture: String, _ context: scmp_filter_ctx) throws {
        let name = architecture.replacing("SCMP_ARCH_", with: "").lowercased()
        let token = seccomp_arch_resolve_name(name)
        guard token != 0 else { throw EngineError.invalid("seccomp: unknown architecture \(architecture)") }
        let result = seccomp_arch_add(context, token)
        if result != -EEXIST { try check(result, architecture) }
    }

    /// Calls that libseccomp does not know do not exist on this machine's architectures, or are newer than it.
    private static func add(
        _ name: String, _ action: UInt32, _ arguments: [RuntimeSyscallArgument], _ context: scmp_filter_ctx
    ) throws {
        let number = seccomp_syscall_resolve_name(name)
        if number == -1 { return }
        let comparisons = try arguments.map { argument in
            scmp_arg_cmp(
                arg: argument.index, op: try comparison(argument.comparison), datum_a: argument.value,
                datum_b: argument.valueTwo)
        }
        // A rule holds when all of its comparisons do; two about one argument are alternatives, as in runc.
        let indices = comparisons.map(\.arg)
        if Set(indices).count < indices.count {
            for comparison in comparisons { try add(number, name, action, [comparison], context) }
        } else {
            try add(number, name, action, comparisons, context)
        }
    }

    private static func add(
        _ number: Int32, _ name: String, _ action: UInt32, _ comparisons: [scmp_arg_cmp],
        _ context: scmp_filter_ctx
    ) throws {
        let result = comparisons.withUnsafeBufferPointer {
            seccomp_rule_add_array(context, action, number, UInt32($0.count), $0.baseAddress)
        }
        if result != -EEXIST { try check(result, name) }
    }

    private static func export(_ context: scmp_filter_ctx) throws -> [UInt8] {
        // Not a pipe, which could fill up before anybody reads it. O_TMPFILE, which glibc's module lacks.
        let temporary: Int32 = 0o20_000_000 | O_DIRECTORY
        let file = try openFile("/dev/shm", O_RDWR | temporary, mode: 0o600)
        try check(seccomp_export_bpf(context, file.rawValue), "the program")
        let raw = file.rawValue
        try systemCall("lseek") { lseek(raw, 0, SEEK_SET) }
        return try readAll(raw, limit: 1 << 20)
    }

    private static func check(_ result: Int32, _ subject: String) throws {
        guard result < 0 else { return }
        throw EngineError.invalid("seccomp: \(subject): \(String(cString: strerror(-result)))")
    }

    private static func action(_ name: String, _ errno: UInt32?) throws -> UInt32 {
        let data = errno ?? UInt32(EPERM)
        switch name {
        case "SCMP_ACT_ALLOW": return 0x7FFF_0000
        case "SCMP_ACT_ERRNO": return 0x0005_0000 | (data & 0xFFFF)
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return 0
        case "SCMP_ACT_KILL_PROCESS": return 0x8000_0000
        case "SCMP_ACT_TRAP": return 0x0003_0000
        case "SCMP_ACT_TRACE": return 0x7FF0_0000 | (data & 0xFFFF)
        case "SCMP_ACT_LOG": return 0x7FFC_0000
        case "SCMP_ACT_NOTIFY": throw EngineError.notBuilt("seccomp action SCMP_ACT_NOTIFY")
        default: throw EngineError.invalid("seccomp: unknown action \(name)")
        }
    }

    private static func comparison(_ name: String) throws -> scmp_compare {
        switch name {
        case "SCMP_CMP_NE": return SCMP_CMP_NE
        case "SCMP_CMP_LT": return SCMP_CMP_LT
        case "SCMP_CMP_LE": return SCMP_CMP_LE
        case "SCMP_CMP_EQ": return SCMP_CMP_EQ
        case "SCMP_CMP_GE": return SCMP_CMP_GE
        case "SCMP_CMP_GT": return SCMP_CMP_GT
        case "SCMP_CMP_MASKED_EQ": return SCMP_CMP_MASKED_EQ
        default: throw EngineError.invalid("seccomp: unknown comparison \(name)")
        }
    }
}
