/// `--security-opt` values, understood.
struct SecurityOptions: Sendable, Equatable {
    enum Seccomp: Sendable, Equatable {
        case standard, unconfined
        /// The profile itself, as JSON text: clients send the file's content.
        case profile(String)
    }

    var seccomp = Seccomp.standard
    /// nil for the host's default.
    var apparmor: String?
    var noNewPrivileges: Bool?
    /// `systempaths=unconfined`: nothing is masked or read-only.
    var systemPathsUnconfined = false
    var writableCgroups = false

    init(parsing options: [String]) throws(EngineError) {
        for option in options {
            if option == "no-new-privileges" {
                noNewPrivileges = true
                continue
            }
            guard let split = option.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
                throw .invalid("invalid --security-opt 1: \"\(option)\"")
            }
            let key = option[..<split]
            let value = String(option[option.index(after: split)...])
            try apply(String(key), value, option)
        }
    }

    private mutating func apply(_ key: String, _ value: String, _ option: String) throws(EngineError) {
        switch key {
        case "seccomp":
            switch value {
            case "unconfined": seccomp = .unconfined
            case "builtin": seccomp = .standard
            default: seccomp = .profile(value)
            }
        case "apparmor": apparmor = value
        case "no-new-privileges": noNewPrivileges = try Self.flag(value, option)
        case "writable-cgroups": writableCgroups = try Self.flag(value, option)
        case "systempaths":
            guard value == "unconfined" || value == "confined" else {
                throw .invalid("invalid --security-opt 2: \"\(option)\"")
            }
            systemPathsUnconfined = value == "unconfined"
        // SELinux labels: without SELinux in the kernel there is nothing to set, as in Docker.
        case "label": break
        default: throw .invalid("invalid --security-opt 2: \"\(option)\"")
        }
    }

    /// As `inspect` shows it: `unconfined`, a profile's name, or empty on a host without profiles.
    func apparmorProfile(_ features: HostFeatures, privileged: Bool) -> String {
        if let apparmor, !apparmor.isEmpty { return apparmor }
        if features.apparmorProfile.isEmpty { return "" }
        return privileged ? "unconfined" : features.apparmorProfile
    }

    private static func flag(_ value: String, _ option: String) throws(EngineError) -> Bool {
        switch value {
        case "true", "1", "t", "T", "TRUE", "True": return true
        case "false", "0", "f", "F", "FALSE", "False": return false
        default: throw .invalid("invalid --security-opt 2: \"\(option)\"")
        }
    }
}
