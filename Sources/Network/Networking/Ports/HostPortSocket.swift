import CLinux
import Glibc
import LinuxKernel

/// Takes a port of the host, so that no other program can have it while it is published.
///
/// The socket listens: a socket that is only bound, by `SO_REUSEADDR`, leaves the port to whoever listens first. It
/// goes to the forwarder, which serves from it what the rules do not translate.
enum HostPortSocket {
    /// - Parameters:
    ///   - addresses: one address, or `0.0.0.0` and `::` together, which one socket serves
    /// - Returns: nil for SCTP, which many kernels have no sockets for
    /// - Throws: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`
    static func bind(
        _ addresses: [IPAddress], port: UInt16, transport: TransportProtocol
    ) throws(SystemCallError) -> SharedDescriptor? {
        guard transport != .sctp, let address = addresses.last else { return nil }
        let family = address.isIPv4 ? AF_INET : AF_INET6
        let kind = transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        let flags = Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let subject = "\(address.bracketed):\(port)/\(transport.rawValue)"
        let raw = try systemCall("socket", subject) { socket(family, flags, 0) }
        let owned = SharedDescriptor(Descriptor(owning: raw))
        if !address.isIPv4 { try set(raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, addresses.count > 1 ? 0 : 1) }
        if transport == .tcp { try set(raw, SOL_SOCKET, SO_REUSEADDR, 1) }
        try bind(raw, address, port, subject)
        if transport == .tcp { try systemCall("listen", subject) { listen(raw, 512) } }
        if transport == .udp { try rawCall("setsockopt", subject) { skiff_want_local_address(raw) } }
        return owned
    }

    /// Binds a socket of the address's family.
    static func bind(
        _ raw: Int32, _ address: IPAddress, _ port: UInt16, _ subject: String
    ) throws(SystemCallError) {
        switch address {
        case .v4(let address):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = address.value.bigEndian
            try call(raw, &name, subject)
        case .v6(let address):
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &name.sin6_addr) { $0.copyBytes(from: address.bytes) }
            try call(raw, &name, subject)
        }
    }

    private static func call<T>(_ raw: Int32, _ name: inout T, _ subject: String) throws(SystemCallError) {
        let length = socklen_t(MemoryLayout<T>.size)
        try systemCall("bind", subject) {
            withUnsafePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(raw, $0, length) }
            }
        }
    }

    private static func set(_ raw: Int32, _ level: Int32, _ option: Int32, _ value: Int32)
        throws(SystemCallError)
    {
        var value = value
        try systemCall("setsockopt") {
            setsockopt(raw, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    /// Whether this kernel has IPv6 sockets; without, ports are published for IPv4 only.
    static let hasIPv6: Bool = {
        let raw = socket(AF_INET6, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { return false }
        close(raw)
        return true
    }()
}
