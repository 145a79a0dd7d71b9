import LinuxKernel
import OCIModel

/// Kernel parameters of the container's namespaces.
enum Sysctls {
    /// Written through the host's /proc, whose network, IPC and UTS entries are those of the writing process: no image
    /// can have put something else there.
    static func apply(_ values: [String: String]) throws(RuntimeError) {
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            try step("sysctl \(name)=\(value)") { () throws(SystemCallError) in
                try writeControlFile("/proc/sys/\(path(name))", value)
            }
        }
    }

    /// Dots and slashes change roles: `net/ipv4/conf/eth0.1/forwarding` has a dot in an interface's name.
    static func path(_ name: String) -> String {
        guard let separator = name.first(where: { $0 == "." || $0 == "/" }), separator == "." else {
            return name
        }
        return String(name.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 })
    }

    /// Only parameters that belong to a namespace of the container's own: others would change the host.
    static func validate(_ linux: RuntimeLinux, privateKinds: Set<RuntimeNamespace.Kind>) throws(RuntimeError)
    {
        for name in linux.sysctl.keys.sorted() {
            let path = path(name)
            guard !path.split(separator: "/").contains("..") else {
                throw RuntimeError(.invalidSpecification, "sysctl \(name): is no parameter")
            }
            guard let kind = kind(path) else {
                throw RuntimeError(
                    .invalidSpecification, "sysctl \"\(name)\" is not in a separate kernel namespace")
            }
            guard privateKinds.contains(kind) else {
                throw RuntimeError(
                    .invalidSpecification,
                    "sysctl \"\(name)\" is not allowed as it would change the host: the container has no "
                        + "\(kind.rawValue) namespace of its own")
            }
        }
    }

    private static func kind(_ path: String) -> RuntimeNamespace.Kind? {
        let ipc = [
            "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall", "kernel/shmmax",
            "kernel/shmmni", "kernel/shm_rmid_forced",
        ]
        if ipc.contains(path) || path.hasPrefix("fs/mqueue/") { return .ipc }
        if path.hasPrefix("net/") { return .network }
        if path == "kernel/domainname" || path == "kernel/hostname" { return .uts }
        return nil
    }
}
