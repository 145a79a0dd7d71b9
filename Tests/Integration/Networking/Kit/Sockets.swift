import Glibc
import LinuxKernel
import Networking

/// Plain blocking sockets for the tests' servers and clients.
struct Peer: Hashable, CustomStringConvertible {
    var address: IPAddress
    var port: UInt16

    var description: String { "\(address.bracketed):\(port)" }

    /// `struct sockaddr_in` or `sockaddr_in6`.
    var bytes: [UInt8] {
        let ports = [UInt8(port >> 8), UInt8(port & 0xff)]
        return address.isIPv4
            ? [2, 0] + ports + address.bytes + [UInt8](repeating: 0, count: 8)
            : [10, 0] + ports + [0, 0, 0, 0] + address.bytes + [0, 0, 0, 0]
    }

    init(_ address: String, _ port: UInt16) {
        self.address = IPAddress(address) ?? .v4(.any)
        self.port = port
    }

    init(bytes: [UInt8]) {
        port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        if bytes[0] == 2 {
            address = IPAddress(bytes[4..<8].map(String.init).joined(separator: ".")) ?? .v4(.any)
        } else {
            let number = bytes[8..<24].reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
            address = .v6(IPv6Address(number))
        }
    }
}

/// A socket that gives up after a while.
final class Sock: Sendable {
    let descriptor: SharedDescriptor
    var raw: Int32 { descriptor.rawValue }

    init(_ descriptor: SharedDescriptor) { self.descriptor = descriptor }

    init(_ transport: TransportProtocol, isIPv4: Bool, timeout: Double = 1) throws {
        let kind = transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        let family = isIPv4 ? AF_INET : AF_INET6
        let made = try systemCall("socket") {
            socket(family, Int32(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
        }
        descriptor = SharedDescriptor(Descriptor(owning: made))
        setTimeout(timeout)
    }

    func setTimeout(_ seconds: Double) {
        var limit = timeval(tv_sec: Int(seconds), tv_usec: Int((seconds - Double(Int(seconds))) * 1e6))
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(raw, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    private func withAddress<T>(_ peer: Peer, _ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
        let bytes = peer.bytes
        return bytes.withUnsafeBytes {
            body($0.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t(bytes.count))
        }
    }

    func bind(_ peer: Peer, v6Only: Bool = true) throws {
        var one: Int32 = 1
        setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        if !peer.address.isIPv4 {
            var only: Int32 = v6Only ? 1 : 0
            setsockopt(raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &only, 4)
        }
        try systemCall("bind", "\(peer)") { withAddress(peer) { Glibc.bind(raw, $0, $1) } }
    }

    func listen() throws { try systemCall("listen") { Glibc.listen(raw, 128) } }

    func connect(_ peer: Peer) throws {
        try systemCall("connect", "\(peer)") { withAddress(peer) { Glibc.connect(raw, $0, $1) } }
    }

    func accept() throws -> (Sock, Peer) {
        var bytes = [UInt8](repeating: 0, count: 28)
        var length = socklen_t(28)
        let accepted = try systemCall("accept") {
            bytes.withUnsafeMutableBytes {
                Glibc.accept(raw, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
            }
        }
        return (Sock(SharedDescriptor(Descriptor(owning: accepted))), Peer(bytes: bytes))
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            offset += try systemCall("send") {
                bytes.withUnsafeBytes {
                    Glibc.send(raw, $0.baseAddress! + offset, $0.count - offset, Int32(MSG_NOSIGNAL))
                }
            }
        }
    }

    func send(_ text: String, to peer: Peer) throws { try send(Array(text.utf8), to: peer) }

    func send(_ bytes: [UInt8], to peer: Peer) throws {
        try systemCall("sendto") { withAddress(peer) { sendto(raw, bytes, bytes.count, 0, $0, $1) } }
    }

    /// Some bytes; none at the end of a stream.
    func receive(_ limit: Int = 65536) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = try systemCall("recv") { recv(raw, &buffer, buffer.count, 0) }
        return Array(buffer[..<count])
    }

    func receiveFrom() throws -> ([UInt8], Peer) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        var bytes = [UInt8](repeating: 0, count: 28)
        var length = socklen_t(28)
        let count = try systemCall("recvfrom") {
            bytes.withUnsafeMutableBytes { address in
                recvfrom(
                    raw, &buffer, buffer.count, 0, address.assumingMemoryBound(to: sockaddr.self).baseAddress,
                    &length)
            }
        }
        return (Array(buffer[..<count]), Peer(bytes: bytes))
    }

    func readAll() throws -> [UInt8] {
        var all: [UInt8] = []
        while case let part = try receive(), !part.isEmpty { all += part }
        return all
    }

    func shutdownWriting() { shutdown(raw, Int32(SHUT_WR)) }
}

/// A server inside a namespace that answers every TCP connection and every datagram with its name and the peer's
/// address: `web 198.51.100.2`.
final class Responder: Sendable {
    private let tcp: [Sock]
    private let udp: [Sock]

    init(_ name: String, in namespace: Namespace, port: UInt16, hasIPv6: Bool) throws {
        let addresses = hasIPv6 ? ["0.0.0.0", "::"] : ["0.0.0.0"]
        (tcp, udp) = try namespace.run {
            let tcp = try addresses.map { address in
                let socket = try Sock(.tcp, isIPv4: !address.contains(":"), timeout: 0)
                try socket.bind(Peer(address, port))
                try socket.listen()
                return socket
            }
            let udp = try addresses.map { address in
                let socket = try Sock(.udp, isIPv4: !address.contains(":"), timeout: 0)
                try socket.bind(Peer(address, port))
                return socket
            }
            return (tcp, udp)
        }
        for socket in tcp {
            detached {
                while let (connection, peer) = try? socket.accept() {
                    try? connection.send("\(name) \(peer.address)")
                }
            }
        }
        for socket in udp {
            detached {
                while let (bytes, peer) = try? socket.receiveFrom(), !bytes.isEmpty {
                    try? socket.send("\(name) \(peer.address)", to: peer)
                }
            }
        }
    }

    deinit { stop() }

    func stop() { for socket in tcp + udp { shutdown(socket.raw, Int32(SHUT_RDWR)) } }
}

extension Namespace {
    /// Asks a `Responder`; nil where nothing answers.
    func ask(_ transport: TransportProtocol, _ address: String, _ port: UInt16, timeout: Double = 0.5)
        -> String?
    {
        try? run {
            let peer = Peer(address, port)
            let socket = try Sock(transport, isIPv4: peer.address.isIPv4, timeout: timeout)
            try socket.connect(peer)
            if transport == .udp {
                try socket.send("?")
                return String(decoding: try socket.receive(), as: UTF8.self)
            }
            let answer = try socket.readAll()
            return answer.isEmpty ? nil : String(decoding: answer, as: UTF8.self)
        } ?? nil
    }

    /// Asks until something answers or `seconds` have passed.
    func askPatiently(_ transport: TransportProtocol, _ address: String, _ port: UInt16, seconds: Int = 5)
        -> String?
    {
        for _ in 0..<(seconds * 20) {
            if let answer = ask(transport, address, port, timeout: 0.2) { return answer }
            usleep(50_000)
        }
        return nil
    }
}
