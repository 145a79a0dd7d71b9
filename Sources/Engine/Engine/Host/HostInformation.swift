import Glibc
import LinuxKernel
import OCIModel

/// Facts about the host for people to read.
enum HostInformation {
    static var hostname: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// As `uname -r`.
    static var kernelVersion: String { HostFeatures.line("/proc/sys/kernel/osrelease") ?? "" }

    /// As Go names it.
    static var architecture: String { Platform.host.architecture }

    /// As `uname -m`.
    static var machine: String {
        #if arch(arm64)
            "aarch64"
        #elseif arch(arm)
            "armv7l"
        #elseif arch(riscv64)
            "riscv64"
        #else
            "x86_64"
        #endif
    }

    /// Bytes.
    static var memory: Int64 { Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE))) }

    /// Fields of /etc/os-release, without quotes.
    static var release: [String: String] {
        let bytes =
            (try? readFile("/etc/os-release", limit: 1 << 16)) ?? (try? readFile("/usr/lib/os-release")) ?? []
        var fields: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            fields[String(parts[0])] = parts[1].filter { $0 != "\"" }
        }
        return fields
    }

    static var openFiles: Int { directoryNames(in: "/proc/self/fd").count }

    static var threads: Int { directoryNames(in: "/proc/self/task").count }
}
