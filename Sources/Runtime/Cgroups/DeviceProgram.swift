import OCIModel

/// Device rules as a program for version 2 control groups (the kernel's `struct bpf_cgroup_dev_ctx`).
///
/// Every access right that a process asks for is decided by the last rule that matches and has it, as on version 1: rules
/// are tried from the last to the first, rights that a rule allows are taken off the wish, and what nobody has decided
/// at the end is denied.
struct DeviceProgram {
    private(set) var instructions: [UInt8] = []

    /// Wish and device in the program's registers.
    private enum Register: UInt8 {
        case result = 0, context = 1, type = 2, access = 3, major = 4, minor = 5, scratch = 6
    }

    init(_ rules: [RuntimeDeviceRule]) {
        load(.type, offset: 0)
        emit(0x54, .type, immediate: 0xFFFF)  // and
        load(.access, offset: 0)
        emit(0x74, .access, immediate: 16)  // shift right
        load(.major, offset: 4)
        load(.minor, offset: 8)
        for rule in rules.reversed() { add(rule) }
        finish(allowed: false)
    }

    private mutating func add(_ rule: RuntimeDeviceRule) {
        let rights = Self.rights(rule.access)
        if rights == 0 { return }
        var conditions: [(Register, Int32)] = []
        if rule.type != "a" { conditions.append((.type, rule.type == "b" ? 1 : 2)) }
        if let major = rule.major { conditions.append((.major, Int32(clamping: major))) }
        if let minor = rule.minor { conditions.append((.minor, Int32(clamping: minor))) }
        let body = rule.allow ? Self.allowLength : Self.denyLength
        for (index, condition) in conditions.enumerated() {
            let rest = conditions.count - index - 1 + body
            emit(0x55, condition.0, offset: Int16(rest), immediate: condition.1)  // jump unless equal
        }
        if rule.allow {
            emit(0x54, .access, immediate: ~rights & 7)
            emit(0x55, .access, offset: 2, immediate: 0)
        } else {
            emit(0xBC, .scratch, source: .access)  // move
            emit(0x54, .scratch, immediate: rights)
            emit(0x15, .scratch, offset: 2, immediate: 0)  // jump if equal
        }
        finish(allowed: rule.allow)
    }

    private static let allowLength = 4
    private static let denyLength = 5

    /// BPF_DEVCG_ACC_*.
    private static func rights(_ access: String) -> Int32 {
        access.utf8.reduce(0) { sum, letter in
            switch letter {
            case UInt8(ascii: "m"): sum | 1
            case UInt8(ascii: "r"): sum | 2
            case UInt8(ascii: "w"): sum | 4
            default: sum
            }
        }
    }

    private mutating func finish(allowed: Bool) {
        emit(0xB7, .result, immediate: allowed ? 1 : 0)
        emit(0x95, .result)  // exit
    }

    private mutating func load(_ target: Register, offset: Int16) {
        emit(0x61, target, source: .context, offset: offset)
    }

    private mutating func emit(
        _ code: UInt8, _ target: Register, source: Register = .result, offset: Int16 = 0, immediate: Int32 = 0
    ) {
        instructions.append(code)
        instructions.append(target.rawValue | source.rawValue << 4)
        withUnsafeBytes(of: offset.littleEndian) { instructions.append(contentsOf: $0) }
        withUnsafeBytes(of: immediate.littleEndian) { instructions.append(contentsOf: $0) }
    }
}
