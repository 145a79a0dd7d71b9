import Glibc
import LinuxKernel

/// Makes TCP connections, one address after another.
struct Dialer {
    let interrupter: Interrupter
    /// Milliseconds for each address.
    let timeout: Int32

    /// - Throws: `RegistryError` (`unreachable`, with the words that Go's dialer uses, which people search for)
    func connect(host: String, port: UInt16) throws -> SharedDescriptor {
        let addresses = try Self.resolve(host, port)
        var failure: (any Error)?
        for address in addresses {
            do {
                return try connect(address, host, port)
            } catch let error as RegistryError where error.code == .cancelled {
                throw error
            } catch {
                failure = failure ?? error
            }
        }
        throw failure ?? RegistryError(.unreachable, "lookup \(host): no addresses", isTransient: true)
    }

    struct Address {
        let family: Int32
        let storage: [UInt8]
        let text: String
    }

    /// IPv4 addresses first where the name is `localhost`: most registries listen there.
    static func resolve(_ host: String, _ port: UInt16) throws -> [Address] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, "\(port)", &hints, &list)
        guard result == 0 else {
            let isTemporary = result == EAI_AGAIN
            let reason = result == EAI_NONAME ? "no such host" : String(cString: gai_strerror(result))
            throw RegistryError(
                .unreachable, "dial tcp: lookup \(host): \(reason)", isTransient: isTemporary)
        }
        defer { freeaddrinfo(list) }
        var addresses: [Address] = []
        var next = list
        while let entry = next {
            let info = entry.pointee
            let bytes = UnsafeRawBufferPointer(start: info.ai_addr, count: Int(info.ai_addrlen))
            addresses.append(
                Address(
                    family: info.ai_family, storage: Array(bytes),
                    text: text(info.ai_addr, info.ai_addrlen)))
            next = info.ai_next
        }
        if host == "localhost" {
            addresses =
                addresses.filter { $0.family == AF_INET } + addresses.filter { $0.family != AF_INET }
        }
        return addresses
    }

    private static func text(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> String {
        var host = [CChar](repeating: 0, count: 64)
        guard getnameinfo(address, length, &host, 64, nil, 0, NI_NUMERICHOST) == 0 else { return "?" }
        return String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func connect(_ address: Address, _ host: String, _ port: UInt16) throws -> SharedDescriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = SharedDescriptor(
            Descriptor(owning: try systemCall("socket") { socket(address.family, type, 0) }))
        let raw = descriptor.rawValue
        let name = address.text.contains(":") ? "[\(address.text)]:\(port)" : "\(address.text):\(port)"
        let result = address.storage.withUnsafeBytes { bytes in
            Glibc.connect(
                raw, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        if result != 0 {
            guard errno == EINPROGRESS else { throw Self.refused(name, errno) }
            do {
                try interrupter.wait(raw, POLLOUT, milliseconds: timeout, "dial tcp \(name)")
            } catch let error as RegistryError where error.code == .timedOut {
                throw RegistryError(.unreachable, "dial tcp \(name): i/o timeout", isTransient: true)
            }
            var failure: Int32 = 0
            var size = socklen_t(4)
            try systemCall("getsockopt") { getsockopt(raw, SOL_SOCKET, SO_ERROR, &failure, &size) }
            if failure != 0 { throw Self.refused(name, failure) }
        }
        var on: Int32 = 1
        _ = setsockopt(raw, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        return descriptor
    }

    private static func refused(_ name: String, _ number: Int32) -> RegistryError {
        let reason = String(cString: strerror(number))
        return RegistryError(
            .unreachable, "dial tcp \(name): connect: \(reason.prefix(1).lowercased())\(reason.dropFirst())",
            isTransient: true)
    }
}
