import Glibc
import LinuxKernel
import Logging
import OCIRuntime

/// The AppArmor profile of containers that name none. Its name is Docker's, which users write in commands and files.
enum AppArmorProfile {
    static let name = "docker-default"

    private static let loaded = "/sys/kernel/security/apparmor/profiles"
    private static let parsers = [
        "/usr/sbin/apparmor_parser", "/sbin/apparmor_parser", "/usr/local/sbin/apparmor_parser",
    ]

    /// Loads the profile where AppArmor is on and has it not; a profile of that name that is there already (Docker's, or
    /// an administrator's) stays. Blocks.
    /// - Parameter folder: where the profile's text is put for the moment
    /// - Returns: the profile's name; empty where containers run without, because this kernel has no AppArmor, or the
    ///   parser that alone can compile profiles is not installed
    /// - Throws: `EngineError` where the profile cannot be loaded, as Docker does not start then
    static func prepare(in folder: String, logger: Logger) throws -> String {
        guard isEnabled else { return "" }
        if isLoaded { return name }
        guard let parser = parsers.first(where: { access($0, X_OK) == 0 }) else {
            logger.warning(
                "containers run without an AppArmor profile: apparmor_parser is not installed",
                metadata: ["profile": "\(name)"])
            return ""
        }
        let file = "\(folder)/\(name).apparmor"
        try replaceFile(file, Array(text(daemonLabel: ownLabel).utf8), mode: 0o600)
        defer { unlink(file) }
        let done = try ProgramRun.run(parser, [parser, "-K", "-r", file], input: [])
        guard done.exit.code == 0, isLoaded else {
            let said = String(decoding: done.errors.prefix(1000), as: UTF8.self)
            throw EngineError(
                .systemCallFailed,
                "AppArmor enabled on system but the \(name) profile could not be loaded: \(parser): \(said)")
        }
        logger.info("AppArmor profile loaded", metadata: ["profile": "\(name)"])
        return name
    }

    /// In a container (of systemd's naming) profiles are the outer host's business.
    private static var isEnabled: Bool {
        HostFeatures.line("/sys/module/apparmor/parameters/enabled") == "Y" && fileExists(loaded)
            && getenv("container") == nil
    }

    private static var isLoaded: Bool {
        let profiles = (try? readFile(loaded, limit: 16 << 20)) ?? []
        return String(decoding: profiles, as: UTF8.self).split(separator: "\n").contains {
            $0.hasPrefix("\(name) ")
        }
    }

    /// What confines this process; nil for nothing.
    private static var ownLabel: String? {
        let text =
            HostFeatures.line("/proc/self/attr/apparmor/current")
            ?? HostFeatures.line("/proc/self/attr/current")
        guard let label = text?.split(separator: " ").first, label != "unconfined" else { return nil }
        return String(label)
    }

    /// The policy (apparmor.d(5)), complete in itself: no host's includes. What a container may do is settled by its
    /// namespaces, capabilities and mounts; this keeps it from the parts of /proc and /sys that belong to the whole
    /// machine, from mounting, and from processes of others, even where one of those gave way.
    static func text(daemonLabel: String?) -> String {
        let daemon = daemonLabel.map { "  signal (receive) peer=\($0),\n" } ?? ""
        return """
            profile \(name) flags=(attach_disconnected,mediate_deleted) {
              file,
              network,
              capability,
              umount,
              deny mount,

              signal (receive) peer=unconfined,
            \(daemon)  signal (send,receive) peer=\(name),
              ptrace (trace,read,tracedby,readby) peer=\(name),

              # /proc: only what belongs to processes, and sysctls of the container's own namespaces.
              deny /proc/* w,
              deny /proc/[^0-9s]*/** w,
              deny /proc/s[^y]*/** w,
              deny /proc/sys/[^k]** w,
              deny /proc/sys/k[^e]** w,
              deny /proc/sys/kernel/[^ms]** w,
              deny /proc/sys/kernel/m[^s]** w,
              deny /proc/sys/kernel/s[^he]** w,
              deny /proc/sys/kernel/se[^m]** w,
              deny /proc/sysrq-trigger rwklx,
              deny /proc/kcore rwklx,

              # /sys: nothing but control groups, which mounts keep read-only where they should be.
              deny /sys/[^f]*/** wklx,
              deny /sys/f[^s]*/** wklx,
              deny /sys/fs/[^c]*/** wklx,
              deny /sys/fs/c[^g]*/** wklx,
              deny /sys/firmware/** rwklx,
              deny /sys/devices/virtual/powercap/** rwklx,
              deny /sys/kernel/security/** rwklx,
            }

            """
    }
}
