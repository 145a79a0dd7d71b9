import Glibc

/// An IPv4 or IPv6 address with a port, in the kernel's form.
struct SocketAddress: Hashable {
    /// `struct sockaddr_in` or `struct sockaddr_in6`.
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// - Parameter address: an IPv6 one may have a zone: an interface's name or number behind `%`
    /// - Returns: nil where the text is no address of either family
    init?(_ text: String, port: UInt16) {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        let address = parts.first.map(String.init) ?? text
        var v4 = sockaddr_in()
        var v6 = sockaddr_in6()
        if parts.count == 1, inet_pton(AF_INET, address, &v4.sin_addr) == 1 {
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            bytes = withUnsafeBytes(of: v4) { Array($0) }
        } else if inet_pton(AF_INET6, address, &v6.sin6_addr) == 1 {
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port.bigEndian
            if parts.count == 2 {
                let zone = String(parts[1])
                v6.sin6_scope_id = UInt32(zone) ?? if_nametoindex(zone)
                guard v6.sin6_scope_id != 0 else { return nil }
            }
            bytes = withUnsafeBytes(of: v6) { Array($0) }
        } else {
            return nil
        }
    }

    /// The address alone, in network order.
    static func parse(_ text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes.prefix(4)) }
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }

    var family: Int32 { bytes.withUnsafeBytes { Int32($0.loadUnaligned(as: UInt16.self)) } }

    /// Starts connecting a socket to the address. 0, or the error number; `EINPROGRESS` is none.
    func connect(_ descriptor: Int32) -> Int32 {
        let result = bytes.withUnsafeBytes { buffer in
            buffer.baseAddress.map {
                Glibc.connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(buffer.count))
            } ?? -1
        }
        return result == 0 || errno == EINPROGRESS ? 0 : errno
    }
}

/// Sets an integer option of a socket; options that a kernel does not know only cost their effect.
func setSocketOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
}

/// Makes close send a reset: the other side learns that the connection did not end in order.
func resetOnClose(_ descriptor: Int32) {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
}
