import Glibc
import LinuxKernel
import OCIModel

/// A terminal for a process of a container, from the container's own devpts.
enum ConsoleSetup {
    /// Makes the terminal and gives its master to the caller.
    /// - Parameters:
    ///   - root: the container's root directory
    ///   - mountsConsole: whether it also becomes /dev/console: for the first process
    /// - Returns: the slave
    static func make(
        _ root: Int32, size: RuntimeConsoleSize?, mountsConsole: Bool,
        _ channel: borrowing SetupChannel
    ) throws(RuntimeError) -> Descriptor {
        try step("terminal") { () throws(SystemCallError) in
            let master = SharedDescriptor(try openTerminal(below: root))
            // An image could have something else at that place.
            var status = stat()
            let raw = master.rawValue
            try systemCall("fstat", "/dev/pts/ptmx") { fstat(raw, &status) }
            guard status.st_mode & S_IFMT == S_IFCHR, deviceNumbers(status.st_rdev) == (5, 2) else {
                throw SystemCallError(call: "fstat", errno: ENODEV, subject: "/dev/pts/ptmx")
            }
            if let size { try setTerminalSize(raw, rows: size.height, columns: size.width) }
            let number = try terminalNumber(ofMaster: raw)
            let slave = try openBelow(root, "dev/pts/\(number)", O_RDWR | O_NOCTTY)
            if mountsConsole { try mountConsole(root, number) }
            try channel.send(.console, descriptors: [master])
            return slave
        }
    }

    private static func mountConsole(_ root: Int32, _ number: Int32) throws(SystemCallError) {
        let device = try openBelow(root, "dev/pts/\(number)", O_PATH | O_NOFOLLOW)
        let tree = try openTree("", at: device.rawValue, recursively: false)
        let directory = try openBelow(root, "dev", O_PATH | O_DIRECTORY)
        let raw = directory.rawValue
        _ = Descriptor(
            owning: try systemCall("openat", "/dev/console") {
                openat(
                    raw, "console", O_CREAT | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0o600
                )
            })
        let place = try openBelow(root, "dev/console", O_PATH | O_NOFOLLOW)
        try moveMount(tree.rawValue, onto: place.rawValue, named: "/dev/console")
    }
}

/// Puts a process's descriptors 0 to 2 in place.
enum StreamSetup {
    static func install(input: Int32, output: Int32, error: Int32) throws(RuntimeError) {
        try step("standard streams") { () throws(SystemCallError) in
            // Copies first: one of the targets may be another one's source.
            var copies: [Int32] = []
            for source in [input, output, error] {
                copies.append(try systemCall("fcntl") { fcntl(source, F_DUPFD_CLOEXEC, 10) })
            }
            for (target, copy) in copies.enumerated() {
                try systemCall("dup2") { dup2(copy, Int32(target)) }
                close(copy)
            }
        }
    }

    static func installTerminal(_ slave: Int32) throws(RuntimeError) {
        try install(input: slave, output: slave, error: slave)
        try step("terminal") { () throws(SystemCallError) in try makeControllingTerminal(0) }
    }

    /// Gives the streams to the user that will have them, so that it can open /dev/stdout again. Devices that are no
    /// terminal (/dev/null) stay as they are.
    static func changeOwner(to uid: UInt32) throws(RuntimeError) {
        for descriptor: Int32 in 0...2 {
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_uid != uid else { continue }
            if status.st_mode & S_IFMT == S_IFCHR, deviceNumbers(status.st_rdev).major == 1 { continue }
            if fchown(descriptor, uid, gid_t.max) == 0 { continue }
            let failure = SystemCallError(call: "fchown", subject: "descriptor \(descriptor)")
            // A read-only or foreign file system keeps its owner; that is nobody's problem.
            if [EINVAL, EPERM, EROFS].contains(failure.errno) { continue }
            throw RuntimeError(.setupFailed, "standard streams: \(failure)", errno: failure.errno)
        }
    }
}
