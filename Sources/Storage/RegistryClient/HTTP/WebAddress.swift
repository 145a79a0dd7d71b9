/// An absolute address of HTTP (RFC 3986, as far as registries use it).
package struct WebAddress: Sendable, Hashable {
    package enum Scheme: String, Sendable { case http, https }

    package var scheme: Scheme
    /// Without brackets around an IPv6 address.
    package var host: String
    package var port: UInt16
    /// Path and query; begins with a slash.
    package var target: String

    package init(scheme: Scheme, host: String, port: UInt16, target: String) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.target = target
    }

    /// - Parameter defaultScheme: what an address without one has; nil to refuse it
    /// - Returns: nil where the text is no address of HTTP
    package init?(_ text: String, defaultScheme: Scheme? = nil) {
        var rest = text[...]
        if let separator = text.firstRange(of: "://") {
            guard let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased()) else {
                return nil
            }
            self.scheme = scheme
            rest = text[separator.upperBound...]
        } else {
            guard let defaultScheme else { return nil }
            scheme = defaultScheme
        }
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        var authority = rest[..<end]
        // Whoever puts a password into an address has it in every log: it is not used.
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        guard let (host, port) = Self.split(authority) else { return nil }
        self.host = host
        self.port = port ?? (scheme == .https ? 443 : 80)
        var target = String(rest[end...].prefix { $0 != "#" })
        if !target.hasPrefix("/") { target = "/" + target }
        guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        self.target = target
    }

    /// What stands before the `@` of an address: user and password, still encoded.
    static func userInformation(_ text: String) -> String? {
        let start = text.firstRange(of: "://")?.upperBound ?? text.startIndex
        let authority = text[start...].prefix { !"/?#".contains($0) }
        return authority.lastIndex(of: "@").map { String(authority[..<$0]) }
    }

    /// Splits `HOST[:PORT]`, with brackets around IPv6 addresses.
    static func split(_ authority: Substring) -> (host: String, port: UInt16?)? {
        var host = authority
        var port: UInt16?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            if !rest.isEmpty {
                guard rest.hasPrefix(":"), let number = UInt16(rest.dropFirst()) else { return nil }
                port = number
            }
        } else if let colon = authority.lastIndex(of: ":") {
            host = authority[..<colon]
            guard let number = UInt16(authority[authority.index(after: colon)...]) else { return nil }
            port = number
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }) else {
            return nil
        }
        return (String(host), port)
    }

    private var isDefaultPort: Bool { port == (scheme == .https ? 443 : 80) }

    /// Host, with port where it is not the scheme's own, as the `Host` field has it.
    package var authority: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return isDefaultPort ? host : "\(host):\(port)"
    }

    /// Host and port always.
    var hostAndPort: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// Who is asked: credentials for one origin never go to another one.
    package var origin: String { "\(scheme.rawValue)://\(hostAndPort)" }

    package func with(target: String) -> WebAddress {
        var address = self
        address.target = target
        return address
    }

    /// The path without the query, which may hold secrets of a signed address.
    var path: Substring { target.prefix { $0 != "?" } }

    /// Resolves what a `Location` field holds.
    func resolving(_ location: String) -> WebAddress? {
        if let absolute = WebAddress(location) { return absolute }
        if location.hasPrefix("//") { return WebAddress("\(scheme.rawValue):\(location)") }
        guard !location.contains("://") else { return nil }
        guard location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        if location.hasPrefix("/") { return with(target: location) }
        if location.hasPrefix("?") { return with(target: path + location) }
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
        return with(target: folder + location)
    }

    /// With another query member.
    func adding(query name: String, _ value: String) -> WebAddress {
        with(target: target + (target.contains("?") ? "&" : "?") + name + "=" + percentEncoded(value))
    }
}

extension WebAddress: CustomStringConvertible {
    /// Without the query.
    package var description: String { "\(scheme.rawValue)://\(authority)\(path)" }
}

/// The bytes of a text with `%XX` in it; a `%` without digits stands for itself.
func percentDecoded(_ text: some StringProtocol) -> [UInt8] {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
        if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
            let value = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
        {
            result.append(value)
            index += 3
        } else {
            result.append(bytes[index])
            index += 1
        }
    }
    return result
}

/// For a query's value: everything but RFC 3986's unreserved characters as `%XX`.
func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
            result.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            let digits = String(byte, radix: 16, uppercase: true)
            result += digits.count == 1 ? "%0" + digits : "%" + digits
        }
    }
    return result
}
