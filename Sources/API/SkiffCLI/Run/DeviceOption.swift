import GoTemplate
import JSONCodec

/// The value of `--device`: `/dev/a[:/dev/b[:rwm]]`, or a name of the Container Device Interface (`vendor/class=name`).
struct DeviceOption {
    enum Kind { case path(host: String, container: String, permissions: String), interface(String) }
    let kind: Kind

    /// - Throws: `UsageError` in Docker's words
    init(parsing text: String) throws(UsageError) {
        if Self.isInterfaceName(text) {
            kind = .interface(text)
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3, let host = parts.first else {
            throw UsageError("bad format for path: \(text)")
        }
        if parts.count == 3, !Self.isMode(parts[2]) { throw UsageError("bad mode specified: \(parts[2])") }
        var container = host
        var permissions = "rwm"
        if parts.count == 2 {
            if Self.isMode(parts[1]) { permissions = parts[1] } else { container = parts[1] }
        } else if parts.count == 3 {
            (container, permissions) = (parts[1], parts[2])
        }
        guard container.hasPrefix("/") else { throw UsageError("\(container) is not an absolute path") }
        kind = .path(host: host, container: container, permissions: permissions)
    }

    static func isMode(_ text: String) -> Bool {
        !text.isEmpty && text.allSatisfy { "rwm".contains($0) } && Set(text).count == text.count
    }

    private static func isInterfaceName(_ text: String) -> Bool {
        guard !text.hasPrefix("/"), let (kind, name) = text.cut("="), let (vendor, type) = kind.cut("/")
        else {
            return false
        }
        return !vendor.isEmpty && !type.isEmpty && !name.isEmpty
    }
}

/// The value of `--ulimit`: `nofile=1024[:2048]`.
struct Ulimit {
    let name: String
    let soft: Int64
    let hard: Int64

    private static let names: Set<String> = [
        "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
        "rtprio",
        "rttime", "sigpending", "stack",
    ]

    /// - Throws: `UsageError` in Docker's words
    init(parsing text: String) throws(UsageError) {
        guard let (name, limits) = text.cut("=") else { throw UsageError("invalid ulimit argument: \(text)") }
        guard Self.names.contains(name) else { throw UsageError("invalid ulimit type: \(name)") }
        let parts = limits.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2 else {
            throw UsageError(
                "too many limit value arguments - \(limits), can only have up to two, `soft[:hard]`")
        }
        soft = try Self.number(parts[0])
        hard = parts.count == 2 ? try Self.number(parts[1]) : soft
        if hard != -1, soft == -1 {
            throw UsageError(
                "ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: \(hard)"
            )
        }
        if hard != -1, soft > hard {
            throw UsageError("ulimit soft limit must be less than or equal to hard limit: \(soft) > \(hard)")
        }
        self.name = name
    }

    private static func number(_ text: String) throws(UsageError) -> Int64 {
        if let value = Int64(text) { return value }
        throw UsageError("strconv.ParseInt: parsing \(GoPrinter.quoted(text)): invalid syntax")
    }

    var json: JSONValue { ["Name": .string(name), "Hard": .integer(hard), "Soft": .integer(soft)] }
}
