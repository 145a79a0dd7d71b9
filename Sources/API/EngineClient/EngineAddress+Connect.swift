import Glibc
import LinuxKernel

extension EngineAddress {
    /// Connects to the engine.
    /// - Parameter daemonName: how messages name the daemon that is not there
    /// - Throws: `EngineError` (unreachable, accessDenied)
    func connect(daemonName: DaemonName) throws(EngineError) -> EngineConnection {
        do throws(SystemCallError) {
            switch self {
            case .unix(let path): return EngineConnection(try Self.connect(path: path))
            case .tcp(let host, let port): return EngineConnection(try Self.connect(host: host, port: port))
            }
        } catch {
            if error.errno == EACCES || error.errno == EPERM {
                throw EngineError(
                    .accessDenied,
                    "permission denied while trying to connect to the \(daemonName.title) daemon socket at "
                        + "\(description): \(error)", cause: "\(error)")
            }
            throw EngineError(
                .unreachable,
                "Cannot connect to the \(daemonName.title) daemon at \(description). "
                    + "Is the \(daemonName.lowercase) daemon running?", cause: "\(error)")
        }
    }

    private static func connect(path: String) throws(SystemCallError) -> Descriptor {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < capacity else {
            throw SystemCallError(call: "connect", errno: ENAMETOOLONG, subject: path)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return try withUnsafePointer(to: &address) { pointer throws(SystemCallError) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic throws(SystemCallError) in
                try open(AF_UNIX, generic, socklen_t(MemoryLayout<sockaddr_un>.size), subject: path)
            }
        }
    }

    private static func connect(host: String, port: UInt16) throws(SystemCallError) -> Descriptor {
        var failure = SystemCallError(call: "resolve", errno: ENOENT, subject: host)
        for address in try HostName.addresses(of: host) {
            do throws(SystemCallError) {
                return try connect(to: address, port: port, host: host)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private static func connect(
        to address: HostAddress, port: UInt16, host: String
    ) throws(SystemCallError) -> Descriptor {
        let descriptor = try address.withSocketAddress(port: port) {
            family, generic, length throws(SystemCallError) in
            try open(family, generic, length, subject: "\(host):\(port)")
        }
        let raw = descriptor.rawValue
        var on: Int32 = 1
        try systemCall("setsockopt") { setsockopt(raw, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4) }
        return descriptor
    }

    private static func open(
        _ family: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t, subject: String
    ) throws(SystemCallError) -> Descriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = Descriptor(owning: try systemCall("socket") { socket(family, type, 0) })
        let raw = descriptor.rawValue
        try systemCall("connect", subject) { Glibc.connect(raw, address, length) }
        return descriptor
    }
}

/// How messages name the daemon: `Skiff`, or `Docker` for a client that was invoked as `docker`.
package struct DaemonName: Sendable {
    package let title: String
    package let lowercase: String

    package static let skiff = DaemonName(title: "Skiff", lowercase: "skiff")
    package static let docker = DaemonName(title: "Docker", lowercase: "docker")
}
