/// Where an engine listens.
package enum EngineAddress: Sendable, Equatable {
    case unix(path: String)
    case tcp(host: String, port: UInt16)

    package static let defaultPort: UInt16 = 2375

    /// Why no TLS, and what to do: this client is a small static program.
    package static let withoutTLS =
        "this client has no TLS; use the docker command for this daemon, or forward its socket "
        + "(ssh -N -L /tmp/daemon.sock:/run/skiff/skiff.sock HOST) and connect with -H unix:///tmp/daemon.sock"

    /// Parses what `-H` and `DOCKER_HOST` take: `unix://PATH`, `tcp://HOST[:PORT]`, `http://HOST[:PORT]`.
    /// - Throws: `EngineError` (invalidAddress, unsupported)
    package init(parsing text: String) throws(EngineError) {
        guard let mark = text.firstRange(ofText: "://") else {
            throw EngineError(.invalidAddress, "unable to parse docker host `\(text)`")
        }
        let rest = String(text[mark.upperBound...])
        switch text[..<mark.lowerBound] {
        case "unix":
            guard !rest.isEmpty else { throw EngineError(.invalidAddress, "no path in the address \(text)") }
            self = .unix(path: rest)
        case "tcp", "http":
            self = try Self.tcp(rest, of: text)
        case "https":
            throw EngineError(.unsupported, "\(text): \(Self.withoutTLS)")
        case "ssh":
            throw EngineError(.unsupported, "\(text): ssh connections are not built yet")
        default:
            throw EngineError(.invalidAddress, "invalid bind address format: \(text)")
        }
    }

    private static func tcp(_ authority: String, of text: String) throws(EngineError) -> EngineAddress {
        var authority = Substring(authority)
        if let slash = authority.firstIndex(of: "/") {
            guard authority[slash...] == "/" else {
                throw EngineError(.unsupported, "\(text): a path behind the address is not built yet")
            }
            authority = authority[..<slash]
        }
        var host = authority
        var port: UInt16? = defaultPort
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            host = authority[..<colon]
            port = UInt16(authority[authority.index(after: colon)...])
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, let port, port != 0 else {
            throw EngineError(.invalidAddress, "invalid bind address format: \(text)")
        }
        return .tcp(host: String(host), port: port)
    }

    /// The address as a URL, as messages name it.
    package var description: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tcp(let host, let port):
            host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
        }
    }
}

extension StringProtocol {
    /// The first place where `text` occurs.
    func firstRange(ofText text: String) -> Range<Index>? {
        var start = startIndex
        while start != endIndex {
            if self[start...].hasPrefix(text) { return start..<self.index(start, offsetBy: text.count) }
            start = self.index(after: start)
        }
        return nil
    }
}
