import Glibc
import OCIModel

/// A device node of the host.
struct HostDevice: Equatable {
    let path: String
    /// `c` or `b`.
    let type: String
    let major: Int64
    let minor: Int64
    let mode: UInt32
    let uid: UInt32
    let gid: UInt32

    /// - Throws: in Docker's words where there is no such device
    init(at path: String) throws(EngineError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw .invalid(
                "error gathering device information while adding custom device \"\(path)\": no such file or directory"
            )
        }
        guard let device = HostDevice(path: path, status) else {
            throw Self.noDevice(path)
        }
        self = device
    }

    static func noDevice(_ path: String) -> EngineError {
        .invalid(
            "error gathering device information while adding custom device \"\(path)\": not a device node")
    }

    /// Nil where the status is not that of a device node.
    init?(path: String, _ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFCHR: type = "c"
        case S_IFBLK: type = "b"
        default: return nil
        }
        self.path = path
        // As glibc's gnu_dev_major and gnu_dev_minor.
        let number = UInt64(status.st_rdev)
        major = Int64((number >> 8) & 0xFFF | (number >> 32) & ~0xFFF)
        minor = Int64(number & 0xFF | (number >> 12) & ~0xFF)
        mode = status.st_mode & 0o777
        uid = status.st_uid
        gid = status.st_gid
    }

    /// Every device node below a folder; what a container has its own of (terminals, shm, mqueue) left out.
    static func all(below folder: String) -> [HostDevice] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var result: [HostDevice] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if [".", "..", "pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"].contains(
                name)
            {
                continue
            }
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                result += all(below: path)
            } else if let device = HostDevice(path: path, status) {
                result.append(device)
            }
        }
        return result
    }
}

extension SpecBuilder {
    /// The nodes beyond the runtime's default ones, and the rules about all of them.
    func devices() throws(EngineError) -> (nodes: [RuntimeDevice], rules: [RuntimeDeviceRule]) {
        var nodes: [RuntimeDevice] = []
        var rules = isPrivileged ? [RuntimeDeviceRule(allow: true)] : Self.defaultRules
        if isPrivileged {
            nodes = HostDevice.all(below: "/dev").map { Self.node($0, at: $0.path) }.sorted {
                $0.path < $1.path
            }
        }
        for mapping in spec.resources.devices {
            try add(mapping, &nodes, &rules)
        }
        for text in spec.resources.deviceCgroupRules { rules.append(try Self.rule(text)) }
        return (nodes, rules)
    }

    private func add(
        _ mapping: DeviceMapping, _ nodes: inout [RuntimeDevice], _ rules: inout [RuntimeDeviceRule]
    ) throws(EngineError) {
        let access = mapping.permissions.isEmpty ? "rwm" : mapping.permissions
        guard access.allSatisfy({ "rwm".contains($0) }) else {
            throw .invalid("invalid device mode: \(mapping.permissions)")
        }
        let target = mapping.containerPath.isEmpty ? mapping.hostPath : mapping.containerPath
        var status = stat()
        var found: [(HostDevice, String)] = []
        if stat(mapping.hostPath, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            for device in HostDevice.all(below: mapping.hostPath) {
                found.append((device, target + device.path.dropFirst(mapping.hostPath.count)))
            }
            if found.isEmpty { throw HostDevice.noDevice(mapping.hostPath) }
        } else {
            found = [(try HostDevice(at: mapping.hostPath), target)]
        }
        for (device, path) in found {
            nodes.removeAll { $0.path == path }
            nodes.append(Self.node(device, at: path))
            rules.append(
                RuntimeDeviceRule(
                    allow: true, type: device.type, major: device.major, minor: device.minor, access: access))
        }
    }

    private static func node(_ device: HostDevice, at path: String) -> RuntimeDevice {
        RuntimeDevice(
            type: device.type, path: path, major: device.major, minor: device.minor, fileMode: device.mode,
            uid: device.uid, gid: device.gid)
    }

    /// `c 1:3 rwm`, with `*` for any number.
    static func rule(_ text: String) throws(EngineError) -> RuntimeDeviceRule {
        let parts = text.split(separator: " ").map(String.init)
        let numbers = parts.count == 3 ? parts[1].split(separator: ":", omittingEmptySubsequences: false) : []
        guard parts.count == 3, ["a", "b", "c"].contains(parts[0]), numbers.count == 2,
            parts[2].allSatisfy({ "rwm".contains($0) }), !parts[2].isEmpty,
            numbers.allSatisfy({ $0 == "*" || Int64($0).map { $0 >= 0 } == true })
        else { throw .invalid("invalid device cgroup rule format: '\(text)'") }
        return RuntimeDeviceRule(
            allow: true, type: parts[0], major: Int64(numbers[0]), minor: Int64(numbers[1]), access: parts[2])
    }

    /// Nothing but making nodes, and the use of those that every container has.
    static let defaultRules: [RuntimeDeviceRule] = {
        var rules = [
            RuntimeDeviceRule(allow: false), RuntimeDeviceRule(allow: true, type: "c", access: "m"),
            RuntimeDeviceRule(allow: true, type: "b", access: "m"),
        ]
        // null, zero, full, random, urandom, tty, console, ptmx, pts
        let usable: [(Int64, Int64?)] = [
            (1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2), (136, nil),
        ]
        for (major, minor) in usable {
            rules.append(RuntimeDeviceRule(allow: true, type: "c", major: major, minor: minor))
        }
        return rules
    }()
}
