import Glibc

/// Where a daemon listens: the value of `--host`.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    case unix(path: String)
    case tcp(host: String, port: Int)
    /// Sockets that systemd passes; nil for all of them.
    case passed(descriptor: Int32?)

    package static let defaultPort = 2375

    /// - Parameter defaultPort: of an address of TCP that names none
    /// - Throws: `HTTPTransportError` (`addressInvalid`) in dockerd's manner
    package init(_ text: String, defaultPort: Int = Self.defaultPort) throws(HTTPTransportError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let (scheme, rest) =
            text.contains("://")
            ? (String(parts[0]), String(parts[1].dropFirst(2))) : (text.hasPrefix("/") ? "unix" : "tcp", text)
        switch scheme {
        case "unix":
            let path = rest.isEmpty ? "/var/run/docker.sock" : rest
            guard path.hasPrefix("/") else { throw Self.refusal(text, "the socket's path is not absolute") }
            self = .unix(path: path)
        case "tcp": self = try Self.tcp(rest, of: text, defaultPort)
        case "fd":
            guard rest.isEmpty || rest == "*" || Int32(rest) != nil else {
                throw Self.refusal(text, "expected fd:// or fd://NUMBER")
            }
            self = .passed(descriptor: Int32(rest))
        default: throw Self.refusal(text, "expected unix://, tcp:// or fd://")
        }
    }

    private static func tcp(
        _ rest: String, of text: String, _ defaultPort: Int
    ) throws(HTTPTransportError) -> ListenAddress {
        var host = rest
        var port = defaultPort
        let bracket = rest.lastIndex(of: "]")
        if let colon = rest.lastIndex(of: ":"), bracket.map({ $0 < colon }) ?? true {
            guard let number = UInt16(rest[rest.index(after: colon)...]) else {
                throw refusal(text, "the port is not a number from 0 to 65535")
            }
            port = Int(number)
            host = String(rest[..<colon])
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return .tcp(host: host.isEmpty ? "127.0.0.1" : host, port: port)
    }

    private static func refusal(_ text: String, _ reason: String) -> HTTPTransportError {
        HTTPTransportError(.addressInvalid, "invalid host \"\(text)\": \(reason)")
    }

    package var description: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tcp(let host, let port):
            host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
        case .passed(let descriptor): descriptor.map { "fd://\($0)" } ?? "fd://"
        }
    }
}
