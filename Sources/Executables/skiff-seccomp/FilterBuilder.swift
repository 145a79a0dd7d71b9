import CSeccomp
import Glibc
import LinuxKernel
import OCIModel
import OCIRuntime

/// Makes a program of a profile, with libseccomp.
struct FilterBuilder {
    private let profile: SeccompProfile

    init(_ profile: SeccompProfile) { self.profile = profile }

    func build() throws -> SeccompProgram {
        let defaultAction = try Self.action(profile.defaultAction, profile.defaultErrno)
        guard let context = seccomp_init(defaultAction) else {
            throw ProfileError("defaultAction \(profile.defaultAction): libseccomp refuses it")
        }
        defer { seccomp_release(context) }
        // A binary search over system call numbers instead of a walk through the rules; older libseccomp: the walk.
        _ = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
        let architectures = try addArchitectures(context)
        for rule in profile.rules { try add(rule, context, defaultAction) }
        var instructions = try export(context)
        if defaultAction & 0xFFFF_0000 == 0x5_0000, defaultAction & 0xFFFF != UInt32(ENOSYS) {
            instructions = newCallsPrologue(architectures) + instructions
        }
        guard instructions.count / 8 <= 4096 else {
            throw ProfileError(
                "the filter has \(instructions.count / 8) instructions, and the kernel takes 4096")
        }
        return SeccompProgram(instructions: instructions, flags: try flags())
    }

    private func addArchitectures(_ context: scmp_filter_ctx) throws -> [UInt32] {
        var tokens = [seccomp_arch_native()]
        for name in profile.architectures {
            let prefix = "SCMP_ARCH_"
            let token =
                name.hasPrefix(prefix)
                ? seccomp_arch_resolve_name(name.dropFirst(prefix.count).lowercased()) : 0
            guard token != 0 else { throw ProfileError("unknown architecture \(name)") }
            let result = seccomp_arch_add(context, token)
            guard result == 0 || result == -EEXIST else {
                throw ProfileError("architecture \(name): \(String(cString: strerror(-result)))")
            }
            if !tokens.contains(token) { tokens.append(token) }
        }
        return tokens
    }

    private func add(
        _ rule: RuntimeSyscallRule, _ context: scmp_filter_ctx, _ defaultAction: UInt32
    ) throws {
        let action = try Self.action(rule.action, rule.errno)
        // libseccomp refuses rules that change nothing.
        if action == defaultAction { return }
        let comparisons = try rule.args.map(Self.comparison)
        // Several conditions on one argument are alternatives, as all runtimes read them.
        let repeated = Set(rule.args.map(\.index)).count < rule.args.count
        for name in rule.names {
            let number = seccomp_syscall_resolve_name(name)
            if number == __NR_SCMP_ERROR { continue }
            for group in repeated ? comparisons.map({ [$0] }) : [comparisons] {
                let result = seccomp_rule_add_array(context, action, number, UInt32(group.count), group)
                guard result == 0 || result == -EEXIST else {
                    throw ProfileError("rule for \(name): \(String(cString: strerror(-result)))")
                }
            }
        }
    }

    private func export(_ context: scmp_filter_ctx) throws -> [UInt8] {
        let file = tmpfile()
        guard let file else { throw ProfileError("no temporary file: \(SystemCallError(call: "tmpfile"))") }
        defer { fclose(file) }
        let descriptor = fileno(file)
        let result = seccomp_export_bpf(context, descriptor)
        guard result == 0 else { throw ProfileError("libseccomp: \(String(cString: strerror(-result)))") }
        try systemCall("lseek") { lseek(descriptor, 0, SEEK_SET) }
        return try readAll(descriptor)
    }

    private func flags() throws -> UInt32 {
        // Without a wish: no mitigation of speculative store bypass on top of what the machine does anyway.
        if profile.flags.isEmpty { return 4 }
        var result: UInt32 = 0
        for flag in profile.flags {
            switch flag {
            case "SECCOMP_FILTER_FLAG_TSYNC": result |= 1
            case "SECCOMP_FILTER_FLAG_LOG": result |= 2
            case "SECCOMP_FILTER_FLAG_SPEC_ALLOW": result |= 4
            default: throw ProfileError("flag \(flag) is not supported")
            }
        }
        return result
    }

    private static func action(_ name: String, _ errno: UInt32?) throws -> UInt32 {
        switch name {
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return 0
        case "SCMP_ACT_KILL_PROCESS": return 0x8000_0000
        case "SCMP_ACT_TRAP": return 0x3_0000
        case "SCMP_ACT_ERRNO": return 0x5_0000 | (errno ?? UInt32(EPERM)) & 0xFFFF
        case "SCMP_ACT_TRACE": return 0x7FF0_0000 | (errno ?? UInt32(EPERM)) & 0xFFFF
        case "SCMP_ACT_LOG": return 0x7FFC_0000
        case "SCMP_ACT_ALLOW": return 0x7FFF_0000
        case "SCMP_ACT_NOTIFY": throw ProfileError("action SCMP_ACT_NOTIFY is not built yet")
        default: throw ProfileError("unknown action \(name)")
        }
    }

    private static func comparison(_ argument: RuntimeSyscallArgument) throws -> scmp_arg_cmp {
        let operators: [String: scmp_compare] = [
            "SCMP_CMP_NE": SCMP_CMP_NE, "SCMP_CMP_LT": SCMP_CMP_LT, "SCMP_CMP_LE": SCMP_CMP_LE,
            "SCMP_CMP_EQ": SCMP_CMP_EQ, "SCMP_CMP_GE": SCMP_CMP_GE, "SCMP_CMP_GT": SCMP_CMP_GT,
            "SCMP_CMP_MASKED_EQ": SCMP_CMP_MASKED_EQ,
        ]
        guard let known = operators[argument.comparison] else {
            throw ProfileError("unknown comparison \(argument.comparison)")
        }
        return scmp_arg_cmp(
            arg: argument.index, op: known, datum_a: argument.value, datum_b: argument.valueTwo)
    }

    private static let x32: UInt32 = 0x4000_003E

    // MARK: Calls that the profile's authors did not know

    /// Answers ENOSYS to calls with higher numbers than any that the profile names, for each architecture.
    private func newCallsPrologue(_ architectures: [UInt32]) -> [UInt8] {
        var blocks: [[BPF]] = []
        for architecture in architectures {
            var highest: Int32 = -1
            for name in profile.rules.flatMap(\.names) {
                highest = max(highest, seccomp_syscall_resolve_name_arch(architecture, name))
            }
            // x32 has the architecture of x86_64 and a bit in its numbers, which the block for that one lets pass.
            guard highest > 0, architecture != Self.x32 else { continue }
            blocks.append([
                .load(4), .jumpUnlessEqual(architecture, 4), .load(0), .jumpUnlessGreater(UInt32(highest), 2),
                .jumpIfSet(0x4000_0000, 1), .return(0x5_0000 | UInt32(ENOSYS)),
            ])
        }
        return blocks.flatMap { $0 }.flatMap(\.bytes)
    }
}

/// One instruction of the kernel's classic packet filter language, in the few forms that are needed here.
struct BPF {
    let code: UInt16
    let whenTrue: UInt8
    let whenFalse: UInt8
    let value: UInt32

    /// Loads a word of `struct seccomp_data`: 0 the call's number, 4 the architecture.
    static func load(_ offset: UInt32) -> BPF { BPF(code: 0x20, whenTrue: 0, whenFalse: 0, value: offset) }

    static func jumpUnlessEqual(_ value: UInt32, _ distance: UInt8) -> BPF {
        BPF(code: 0x15, whenTrue: 0, whenFalse: distance, value: value)
    }

    static func jumpUnlessGreater(_ value: UInt32, _ distance: UInt8) -> BPF {
        BPF(code: 0x25, whenTrue: 0, whenFalse: distance, value: value)
    }

    static func jumpIfSet(_ bits: UInt32, _ distance: UInt8) -> BPF {
        BPF(code: 0x45, whenTrue: distance, whenFalse: 0, value: bits)
    }

    static func `return`(_ action: UInt32) -> BPF {
        BPF(code: 0x06, whenTrue: 0, whenFalse: 0, value: action)
    }

    var bytes: [UInt8] {
        withUnsafeBytes(of: code) { Array($0) } + [whenTrue, whenFalse]
            + withUnsafeBytes(of: value) { Array($0) }
    }
}
