import Cgroups
import Glibc
import JSONCodec
import LinuxKernel
import OCIModel
import OCIRuntime

/// What the runtime knows of a container between its commands: `state.json` in the container's state directory.
struct ContainerRecord {
    var id: String
    var bundle: String
    var rootFilesystem: String
    var pid: Int32
    /// The kernel's start time of the process, in clock ticks since boot: tells a pid from its next owner.
    var startTime: UInt64
    var created: Timestamp
    /// Empty where the container runs in the caller's groups.
    var cgroupPath: String
    var owner: UInt32

    func write(to directory: String) throws(CommandError) {
        let value: JSONValue = [
            "version": 1, "id": .string(id), "bundle": .string(bundle), "rootfs": .string(rootFilesystem),
            "pid": .integer(Int64(pid)), "startTime": .integer(Int64(clamping: startTime)),
            "created": .string(created.description), "cgroupPath": .string(cgroupPath),
            "owner": .integer(Int64(owner)),
        ]
        try system("container \(id)") { () throws(SystemCallError) in
            try replaceFile("\(directory)/state.json", value.bytes(), mode: 0o600)
        }
    }

    init(
        id: String, bundle: String, rootFilesystem: String, pid: Int32, created: Timestamp, cgroupPath: String
    ) {
        self.id = id
        self.bundle = bundle
        self.rootFilesystem = rootFilesystem
        self.pid = pid
        self.startTime = Self.processStat(pid)?.startTime ?? 0
        self.created = created
        self.cgroupPath = cgroupPath
        self.owner = geteuid()
    }

    /// - Throws: "container does not exist" in the words that callers look for
    init(readingFrom directory: String, id: String) throws(CommandError) {
        let bytes: [UInt8]
        do throws(SystemCallError) {
            bytes = try readFile("\(directory)/state.json")
        } catch  where error.errno == ENOENT {
            throw CommandError("container \"\(id)\" does not exist")
        } catch {
            throw CommandError("container \(id): \(error)")
        }
        guard let value = try? JSONValue(parsing: bytes), value["version"]?.integerValue == 1,
            let pid = value["pid"]?.integerValue, let bundle = value["bundle"]?.stringValue,
            let start = value["startTime"]?.unsignedValue, let created = value["created"]?.stringValue
        else {
            throw CommandError(
                "container \(id): \(directory)/state.json is damaged; remove it with delete --force")
        }
        self.id = id
        self.bundle = bundle
        self.pid = Int32(truncatingIfNeeded: pid)
        startTime = start
        self.created = Timestamp(rfc3339: created) ?? .zero
        rootFilesystem = value["rootfs"]?.stringValue ?? ""
        cgroupPath = value["cgroupPath"]?.stringValue ?? ""
        owner = UInt32(truncatingIfNeeded: value["owner"]?.integerValue ?? 0)
    }

    /// State letter and start time of a process (proc_pid_stat(5)); nil where there is none.
    static func processStat(_ pid: Int32) -> (state: UInt8, startTime: UInt64)? {
        guard let bytes = try? readFile("/proc/\(pid)/stat"), let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else {
            return nil
        }
        let fields = bytes[(end + 1)...].split(separator: 32)
        guard fields.count > 19, let state = fields[0].first,
            let start = UInt64(String(decoding: fields[19], as: UTF8.self))
        else { return nil }
        return (state, start)
    }

    /// Whether the container's first process is there, not merely as a corpse that nobody has reaped yet.
    var isAlive: Bool {
        guard pid > 0, let found = Self.processStat(pid) else { return false }
        return found.startTime == startTime && found.state != UInt8(ascii: "Z")
            && found.state != UInt8(ascii: "X")
    }

    func cgroupIfAny() throws(CommandError) -> (any Cgroup)? {
        if cgroupPath.isEmpty { return nil }
        let path = cgroupPath
        return try cgroup { () throws(CgroupError) in try CgroupHost.discover().existing(path) }
    }

    func status(in directory: String) throws(CommandError) -> RuntimeState.Status {
        guard isAlive else { return .stopped }
        if fileExists("\(directory)/\(ContainerProcess.startSocketName)") { return .created }
        if let group = try cgroupIfAny(), (try? group.isFrozen()) == true { return .paused }
        return .running
    }

    func specification() throws(CommandError) -> RuntimeSpec { try Bundle.specification(bundle) }
}
