import Glibc
import JSONCodec
import LinuxKernel
import OCIModel

/// `spec [-b BUNDLE]`: writes a config.json to start from.
enum Spec {
    static func run(_ words: ArraySlice<String>, _ context: RuntimeContext) throws(CommandError) -> Int32 {
        let options = try Options(words, flags: ["rootless"], settings: ["bundle"], short: ["b": "bundle"])
        guard !options.has("rootless") else { throw CommandError("spec --rootless is not built yet") }
        let path = "\(options["bundle"] ?? ".")/config.json"
        if fileExists(path) { throw CommandError("file \(path) exists. Remove it first") }
        try system(path) { () throws(SystemCallError) in
            try replaceFile(path, specification.json.bytes(.pretty) + [10])
        }
        return 0
    }

    private static let capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]

    private static var specification: RuntimeSpec {
        let process = RuntimeProcess(
            args: ["sh"],
            env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
            terminal: true,
            capabilities: RuntimeCapabilities(
                bounding: capabilities, effective: capabilities, permitted: capabilities),
            rlimits: [RuntimeRlimit(type: "RLIMIT_NOFILE", soft: 1024, hard: 1024)], noNewPrivileges: true)
        var resources = RuntimeResources()
        resources.devices = [RuntimeDeviceRule(allow: false)]
        let linux = RuntimeLinux(
            namespaces: [
                .init(.pid), .init(.network), .init(.ipc), .init(.uts), .init(.mount), .init(.cgroup),
            ],
            resources: resources,
            maskedPaths: [
                "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
            ],
            readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"])
        return RuntimeSpec(
            process: process, root: RuntimeRoot(path: "rootfs", readonly: true), hostname: "skiff",
            mounts: mounts,
            linux: linux)
    }

    private static var mounts: [RuntimeMount] {
        let plain = ["nosuid", "noexec", "nodev"]
        return [
            RuntimeMount(destination: "/proc", type: "proc", source: "proc"),
            RuntimeMount(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            RuntimeMount(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            RuntimeMount(
                destination: "/dev/shm", type: "tmpfs", source: "shm",
                options: plain + ["mode=1777", "size=65536k"]),
            RuntimeMount(destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: plain),
            RuntimeMount(destination: "/sys", type: "sysfs", source: "sysfs", options: plain + ["ro"]),
            RuntimeMount(
                destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
                options: plain + ["relatime", "ro"]),
        ]
    }
}
