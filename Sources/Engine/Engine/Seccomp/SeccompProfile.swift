import JSONCodec
import OCIModel

/// A profile in the form of Docker's `--security-opt seccomp=FILE`: rules with conditions about capabilities,
/// architectures and kernel versions.
struct SeccompProfile {
    let defaultAction: String
    let defaultErrno: UInt32?
    let architectures: [String]
    let flags: [String]
    private let rules: [JSONObject]

    /// The architecture of this machine, as profiles and as `includes.arches` name it.
    #if arch(arm64)
        static let native = (scmp: "SCMP_ARCH_AARCH64", go: "arm64")
    #else
        static let native = (scmp: "SCMP_ARCH_X86_64", go: "amd64")
    #endif

    /// - Throws: in Docker's words where the text is no profile
    init(_ text: String) throws(EngineError) {
        do {
            try self.init(try JSONValue(parsing: text))
        } catch {
            throw EngineError(
                .invalidParameter, "Decoding seccomp profile failed: \(error)", cause: error)
        }
    }

    init(_ value: JSONValue) throws(RuntimeSpecError) {
        let fields = try RuntimeFields(value, at: "profile")
        defaultAction = try fields.requiredString("defaultAction")
        defaultErrno = try fields.integer("defaultErrnoRet")
        flags = try fields.strings("flags")
        var architectures = try fields.strings("architectures")
        for entry in value["archMap"]?.arrayValue ?? []
        where entry["architecture"]?.stringValue == Self.native.scmp {
            architectures.append(Self.native.scmp)
            architectures += (entry["subArchitectures"]?.arrayValue ?? []).compactMap(\.stringValue)
        }
        self.architectures = architectures
        var rules: [JSONObject] = []
        for (index, rule) in (value["syscalls"]?.arrayValue ?? []).enumerated() {
            guard let object = rule.objectValue else {
                throw RuntimeSpecError(.wrongType, "syscalls[\(index)]", "must be an object")
            }
            rules.append(object)
        }
        self.rules = rules
    }

    /// The rules that hold for a container with these capabilities on this machine.
    func resolve(capabilities: Set<String>, kernel: KernelVersion) throws(RuntimeSpecError) -> RuntimeSeccomp
    {
        var result: [RuntimeSyscallRule] = []
        for (index, rule) in rules.enumerated() {
            if let includes = rule["includes"], !includes.isNull {
                guard Self.includes(includes, capabilities, kernel) else { continue }
            }
            if let excludes = rule["excludes"], Self.excludes(excludes, capabilities, kernel) { continue }
            // Older profiles name one call by `name`.
            var plain = rule
            if plain["names"] == nil, let name = plain["name"] { plain["names"] = .array([name]) }
            result.append(
                try RuntimeSyscallRule(fields: try RuntimeFields(.object(plain), at: "syscalls[\(index)]")))
        }
        return RuntimeSeccomp(
            defaultAction: defaultAction, defaultErrno: defaultErrno, architectures: architectures,
            flags: flags,
            syscalls: result)
    }

    private static func strings(_ value: JSONValue, _ key: String) -> [String] {
        (value[key]?.arrayValue ?? []).compactMap(\.stringValue)
    }

    private static func includes(_ condition: JSONValue, _ held: Set<String>, _ kernel: KernelVersion) -> Bool
    {
        let architectures = strings(condition, "arches")
        if !architectures.isEmpty, !architectures.contains(native.go) { return false }
        if let minimum = condition["minKernel"]?.stringValue.flatMap(KernelVersion.init), kernel < minimum {
            return false
        }
        return strings(condition, "caps").allSatisfy(held.contains)
    }

    private static func excludes(_ condition: JSONValue, _ held: Set<String>, _ kernel: KernelVersion) -> Bool
    {
        if strings(condition, "arches").contains(native.go) { return true }
        if let minimum = condition["minKernel"]?.stringValue.flatMap(KernelVersion.init), !(kernel < minimum)
        {
            return true
        }
        return strings(condition, "caps").contains(where: held.contains)
    }
}

/// Major and minor version of a kernel.
struct KernelVersion: Comparable, Sendable {
    let major: Int
    let minor: Int

    /// Reads the beginning of `6.1.0-13-amd64`; nil where there are no two numbers.
    init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 2)
        guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1].prefix { $0.isNumber })
        else {
            return nil
        }
        self.major = major
        self.minor = minor
    }

    static func < (a: KernelVersion, b: KernelVersion) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
}
