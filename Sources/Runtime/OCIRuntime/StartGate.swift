import Glibc
import LinuxKernel

/// How one process creates a container and another one starts it (`create` and `start` of the command line): a socket
/// in the container's state directory, at which the prepared process waits. The starter's connection then takes the
/// place of the creator's channel, so that a failure of the last steps reaches the one who started.
enum StartGate {
    /// Binds the listening socket, named by a path below `directory`, which may be longer than a socket's name.
    static func listen(in directory: String) throws(RuntimeError) -> SharedDescriptor {
        try step("start socket in \(directory)") { () throws(SystemCallError) in
            let folder = try openFile(directory, O_PATH | O_DIRECTORY)
            let raw = try systemCall("socket") {
                socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            }
            let descriptor = SharedDescriptor(Descriptor(owning: raw))
            try withAddress("/proc/self/fd/\(folder.rawValue)/\(name)") {
                (address, length) throws(SystemCallError) in
                try systemCall("bind", directory) { bind(raw, address, length) }
            }
            try systemCall("listen") { Glibc.listen(raw, 1) }
            return descriptor
        }
    }

    static let name = "start.sock"

    /// In the container's process: waits for the starter and puts its connection in the place of `channel`.
    static func wait(_ gate: Int32, replacing channel: Int32) throws(RuntimeError) {
        // The creator learns from the channel's end that it may leave.
        try step("waiting for the start") { () throws(SystemCallError) in
            let null = try openFile("/", O_PATH)
            try replaceDescriptor(channel, with: null.rawValue)
            let starter = try acceptConnection(gate)
            try replaceDescriptor(channel, with: starter.rawValue)
        }
    }

    /// In the starter: lets the container's process go on, and waits until its program runs.
    static func start(in directory: String) throws(RuntimeError) {
        let socket = try connect(in: directory)
        let channel = SetupChannel(socket)
        let received = try step("starting") { () throws(SystemCallError) in try channel.receive() }
        guard let received else { return }
        if case .failed(let error) = received.message { throw error }
        throw RuntimeError(.setupFailed, "starting: the container's process answered out of turn")
    }

    private static func connect(in directory: String) throws(RuntimeError) -> Descriptor {
        do throws(SystemCallError) {
            let folder = try openFile(directory, O_PATH | O_DIRECTORY)
            let raw = try systemCall("socket") {
                Glibc.socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            }
            let descriptor = Descriptor(owning: raw)
            try withAddress("/proc/self/fd/\(folder.rawValue)/\(name)") {
                (address, length) throws(SystemCallError) in
                try systemCall("connect", directory) { Glibc.connect(raw, address, length) }
            }
            return descriptor
        } catch  where error.errno == ENOENT || error.errno == ECONNREFUSED {
            throw RuntimeError(
                .wrongState, "cannot start a container that has stopped or has been started already")
        } catch {
            throw RuntimeError(.setupFailed, "starting: \(error)", errno: error.errno)
        }
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemCallError) -> Void
    ) throws(SystemCallError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemCallError(call: "bind", errno: ENAMETOOLONG, subject: path)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        var failure: SystemCallError?
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                do throws(SystemCallError) {
                    try body(generic, socklen_t(MemoryLayout<sockaddr_un>.size))
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
    }
}
