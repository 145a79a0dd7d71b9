import Glibc
import LinuxKernel
import OCIModel

/// Fills the container's /dev: default devices, the specification's, links ("Default Devices" of config-linux.md).
enum DeviceSetup {
    private static let defaults: [(name: String, major: Int64, minor: Int64)] = [
        ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
    ]

    private static let links: [(name: String, target: String)] = [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
    ]

    /// Runs with umask 0 and, but for a /dev that the host lends (a bind mount), before the root is changed.
    static func make(_ root: borrowing RootTree, _ spec: RuntimeSpec) throws(RuntimeError) {
        let lent = spec.mounts.contains { $0.destination == "/dev" && $0.isBind }
        if lent { return }
        let directory = try root.directory("/dev")
        for device in defaults {
            try node(
                RuntimeDevice(
                    type: "c", path: "/dev/\(device.name)", major: device.major, minor: device.minor),
                device.name, directory.rawValue)
        }
        for device in spec.linux.devices where !defaults.contains(where: { "/dev/\($0.name)" == device.path })
        {
            let (parentPath, name) = RootTree.split(device.path)
            let parent = try root.directory(parentPath)
            try node(device, name, parent.rawValue)
        }
        for link in links { try makeLink(link.name, link.target, directory.rawValue) }
        if fileExists("/proc/kcore") { try makeLink("core", "/proc/kcore", directory.rawValue) }
    }

    private static func makeLink(_ name: String, _ target: String, _ directory: Int32) throws(RuntimeError) {
        if symlinkat(target, directory, name) == 0 { return }
        let error = SystemCallError(call: "symlinkat", subject: "/dev/\(name)")
        // The ptmx of an image or of an earlier start would belong to another terminal filesystem.
        if error.errno == EEXIST, name == "ptmx", unlinkat(directory, name, 0) == 0,
            symlinkat(target, directory, name) == 0
        {
            return
        }
        guard error.errno == EEXIST else {
            throw RuntimeError(.setupFailed, "\(error)", errno: error.errno)
        }
    }

    private static func node(
        _ device: RuntimeDevice, _ name: String, _ directory: Int32
    ) throws(RuntimeError) {
        let kind: mode_t =
            switch device.type {
            case "b": S_IFBLK
            case "p": S_IFIFO
            default: S_IFCHR
            }
        let mode = kind | mode_t((device.fileMode ?? 0o666) & 0o7777)
        guard let major = UInt32(exactly: device.major), let minor = UInt32(exactly: device.minor) else {
            throw RuntimeError(
                .invalidSpecification,
                "device \(device.path): \(device.major):\(device.minor) is no device number")
        }
        do throws(SystemCallError) {
            try makeNode(name, at: directory, mode: mode, major: major, minor: minor)
        } catch  where error.errno == EEXIST {
            return try checkExisting(device, name, directory, kind, major, minor)
        } catch  where error.errno == EPERM {
            return try lend(device, name, directory)
        } catch {
            throw RuntimeError(.setupFailed, "device \(device.path): \(error)", errno: error.errno)
        }
        if device.uid ?? 0 != 0 || device.gid ?? 0 != 0 {
            try step("device \(device.path)") { () throws(SystemCallError) in
                try systemCall("fchownat") {
                    fchownat(directory, name, device.uid ?? 0, device.gid ?? 0, AT_SYMLINK_NOFOLLOW)
                }
            }
        }
    }

    /// What the image already has at that place must be the same device.
    private static func checkExisting(
        _ device: RuntimeDevice, _ name: String, _ directory: Int32, _ kind: mode_t, _ major: UInt32,
        _ minor: UInt32
    ) throws(RuntimeError) {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == kind,
            kind == S_IFIFO || deviceNumbers(status.st_rdev) == (major, minor)
        else {
            throw RuntimeError(
                .setupFailed, "device \(device.path): the image has something else in its place")
        }
    }

    /// Where device nodes may not be made, the host's node is mounted.
    private static func lend(_ device: RuntimeDevice, _ name: String, _ directory: Int32) throws(RuntimeError)
    {
        try step("device \(device.path)") { () throws(SystemCallError) in
            let tree = try openTree(device.path, recursively: false)
            let file = try openFile(name, O_CREAT | O_NOFOLLOW | O_RDONLY, mode: 0o644, at: directory)
            let place = try openFile(name, O_PATH | O_NOFOLLOW, at: directory)
            _ = file.rawValue
            try moveMount(tree.rawValue, onto: place.rawValue, named: device.path)
        }
    }
}
