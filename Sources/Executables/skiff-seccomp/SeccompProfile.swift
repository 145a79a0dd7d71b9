import JSONCodec
import OCIModel

/// What rules of Docker's form may depend on.
struct ProfileEnvironment {
    let capabilities: Set<String>
    /// Major and minor.
    let kernel: (Int, Int)

    /// Go's name of this machine's architecture, which is what Docker's profiles use.
    static var architecture: String {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "arm64"
        #else
            #error("add this architecture's names")
        #endif
    }

    /// libseccomp's name of it, as profiles write it.
    static var token: String {
        #if arch(x86_64)
            "SCMP_ARCH_X86_64"
        #elseif arch(arm64)
            "SCMP_ARCH_AARCH64"
        #else
            #error("add this architecture's names")
        #endif
    }

    /// `5.10.0-8-amd64` → (5, 10).
    static func version(_ release: String) -> (Int, Int) {
        let numbers = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        return (numbers.first ?? 0, numbers.count > 1 ? numbers[1] : 0)
    }
}

/// A profile for this machine: architectures chosen, conditions decided.
struct SeccompProfile {
    let defaultAction: String
    let defaultErrno: UInt32?
    let architectures: [String]
    let flags: [String]
    let rules: [RuntimeSyscallRule]

    /// Reads the specification's form and Docker's, which is a superset of it.
    init(_ value: JSONValue, _ environment: ProfileEnvironment) throws(ProfileError) {
        do throws(RuntimeSpecError) {
            let fields = try RuntimeFields(value)
            defaultAction = try fields.requiredString("defaultAction")
            defaultErrno = try fields.integer("defaultErrnoRet")
            flags = try fields.strings("flags")
            let listed = try fields.strings("architectures")
            let map = try fields.objects("archMap") { (entry) throws(RuntimeSpecError) in
                (try entry.requiredString("architecture"), try entry.strings("subArchitectures"))
            }
            let mapped = map.first { $0.0 == ProfileEnvironment.token }.map { [$0.0] + $0.1 } ?? []
            architectures = listed.isEmpty ? mapped : listed
            rules = try fields.objects("syscalls") { (entry) throws(RuntimeSpecError) in
                try Self.applies(entry, environment) ? Self.rule(entry) : nil
            }.compactMap { $0 }
        } catch {
            throw ProfileError(error.message)
        }
    }

    /// `name` is how old profiles wrote a rule for one call.
    private static func rule(_ entry: RuntimeFields) throws(RuntimeSpecError) -> RuntimeSyscallRule {
        var rule = try RuntimeSyscallRule(fields: entry)
        if let name = try entry.string("name"), !name.isEmpty { rule.names.append(name) }
        return rule
    }

    private static func applies(
        _ entry: RuntimeFields, _ environment: ProfileEnvironment
    ) throws(RuntimeSpecError) -> Bool {
        if let excludes = try entry.object("excludes", Condition.init) {
            if excludes.architectures.contains(ProfileEnvironment.architecture) { return false }
            if excludes.capabilities.contains(where: environment.capabilities.contains) { return false }
            if let kernel = excludes.minimumKernel, environment.kernel >= kernel { return false }
        }
        if let includes = try entry.object("includes", Condition.init) {
            if !includes.architectures.isEmpty,
                !includes.architectures.contains(ProfileEnvironment.architecture)
            {
                return false
            }
            if !includes.capabilities.allSatisfy(environment.capabilities.contains) { return false }
            if let kernel = includes.minimumKernel, environment.kernel < kernel { return false }
        }
        return true
    }

    private struct Condition {
        let architectures: [String]
        let capabilities: [String]
        let minimumKernel: (Int, Int)?

        init(_ fields: RuntimeFields) throws(RuntimeSpecError) {
            architectures = try fields.strings("arches")
            capabilities = try fields.strings("caps")
            minimumKernel = try fields.string("minKernel").map(ProfileEnvironment.version)
        }
    }
}
