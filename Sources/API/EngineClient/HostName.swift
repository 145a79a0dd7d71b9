import Glibc
import LinuxKernel

/// An IP address in network order: 4 or 16 bytes.
struct HostAddress: Equatable {
    let bytes: [UInt8]

    /// Nil where the text is no address in numbers.
    init?(parsing text: String) {
        var storage = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &storage) == 1 {
            bytes = Array(storage[0..<4])
        } else if inet_pton(AF_INET6, text, &storage) == 1 {
            bytes = storage
        } else {
            return nil
        }
    }

    init(bytes: [UInt8]) { self.bytes = bytes }

    func withSocketAddress<T: ~Copyable>(
        port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) throws(SystemCallError) -> T
    ) throws(SystemCallError) -> T {
        if bytes.count == 4 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: bytes) }
            return try Self.rebound(&address) { generic, length throws(SystemCallError) in
                try body(AF_INET, generic, length)
            }
        }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: bytes) }
        return try Self.rebound(&address) { generic, length throws(SystemCallError) in
            try body(AF_INET6, generic, length)
        }
    }

    private static func rebound<Address, T: ~Copyable>(
        _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemCallError) -> T
    ) throws(SystemCallError) -> T {
        try withUnsafePointer(to: &address) { pointer throws(SystemCallError) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic throws(SystemCallError) in
                try body(generic, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
}

/// Names to addresses without the C library's resolver, whose plug-ins a static executable cannot load: numbers,
/// `/etc/hosts`, then the name servers of `/etc/resolv.conf` over UDP.
enum HostName {
    static func addresses(of name: String) throws(SystemCallError) -> [HostAddress] {
        if let address = HostAddress(parsing: name) { return [address] }
        if let hosts = try? readFile("/etc/hosts") {
            let found = addresses(of: name, inHosts: String(decoding: hosts, as: UTF8.self))
            if !found.isEmpty { return found }
        }
        if name == "localhost" { return [HostAddress(bytes: [127, 0, 0, 1])] }
        let configuration = String(decoding: try readFile("/etc/resolv.conf"), as: UTF8.self)
        for server in nameServers(configuration) {
            var found: [HostAddress] = []
            for type in [1, 28] as [UInt16] { found += (try? ask(server, for: name, type: type)) ?? [] }
            if !found.isEmpty { return found }
        }
        throw SystemCallError(call: "resolve", errno: EHOSTUNREACH, subject: name)
    }

    static func addresses(of name: String, inHosts text: String) -> [HostAddress] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
            guard fields.dropFirst().contains(Substring(name)), let first = fields.first else { return nil }
            return HostAddress(parsing: String(first))
        }
    }

    private static func nameServers(_ text: String) -> [HostAddress] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split { $0 == " " || $0 == "\t" }
            return fields.count >= 2 && fields[0] == "nameserver"
                ? HostAddress(parsing: String(fields[1])) : nil
        }
    }

    /// One DNS question (RFC 1035), answered within two seconds or not at all.
    private static func ask(
        _ server: HostAddress, for name: String, type: UInt16
    ) throws(SystemCallError) -> [HostAddress] {
        let identifier = UInt16.random(in: 0...UInt16.max)
        let query = DNSMessage.query(identifier: identifier, name: name, type: type)
        let family = server.bytes.count == 4 ? AF_INET : AF_INET6
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = Descriptor(owning: try systemCall("socket") { socket(family, kind, 0) })
        let raw = descriptor.rawValue
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        try systemCall("setsockopt") { setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, size) }
        try server.withSocketAddress(port: 53) { _, generic, length throws(SystemCallError) in
            _ = try systemCall("connect") { connect(raw, generic, length) }
        }
        try systemCall("send") { send(raw, query, query.count, Int32(MSG_NOSIGNAL)) }
        var answer = [UInt8](repeating: 0, count: 1500)
        let count = try systemCall("recv") { recv(raw, &answer, answer.count, 0) }
        return DNSMessage.addresses(in: Array(answer[0..<count]), identifier: identifier, type: type)
    }
}

enum DNSMessage {
    static func query(identifier: UInt16, name: String, type: UInt16) -> [UInt8] {
        var message: [UInt8] = [
            UInt8(identifier >> 8), UInt8(identifier & 255), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0,
        ]
        for label in name.split(separator: ".") {
            message.append(UInt8(min(label.utf8.count, 63)))
            message.append(contentsOf: label.utf8.prefix(63))
        }
        return message + [0, UInt8(type >> 8), UInt8(type & 255), 0, 1]
    }

    /// The addresses of the answer section; empty for anything malformed.
    static func addresses(in message: [UInt8], identifier: UInt16, type: UInt16) -> [HostAddress] {
        func word(_ position: Int) -> Int? {
            position + 1 < message.count ? Int(message[position]) << 8 | Int(message[position + 1]) : nil
        }
        func skipName(_ start: Int) -> Int? {
            var position = start
            while position < message.count {
                let length = message[position]
                if length == 0 { return position + 1 }
                if length & 0xC0 == 0xC0 { return position + 2 }
                position += Int(length) + 1
            }
            return nil
        }
        guard word(0) == Int(identifier), let answers = word(6), let afterName = skipName(12) else {
            return []
        }
        var position = afterName + 4
        var found: [HostAddress] = []
        for _ in 0..<answers {
            guard let record = skipName(position), let kind = word(record), let length = word(record + 8),
                record + 10 + length <= message.count
            else { return found }
            let data = Array(message[(record + 10)..<(record + 10 + length)])
            if kind == Int(type), length == (type == 1 ? 4 : 16) { found.append(HostAddress(bytes: data)) }
            position = record + 10 + length
        }
        return found
    }
}
