import Glibc
import OCIModel

/// Registries that need no valid certificate: named ones, those in named networks, and those on this machine.
struct InsecureHosts: Sendable {
    private var names: Set<String> = []
    private var networks: [Network] = [Network("127.0.0.0/8"), Network("::1/128")].compactMap { $0 }

    init(_ entries: [String]) {
        for entry in entries {
            var text = entry
            for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
                text = String(text.dropFirst(scheme.count))
            }
            if let network = Network(text) {
                networks.append(network)
            } else {
                names.insert(text.lowercased())
            }
        }
    }

    /// Names are looked up: one that leads into such a network counts.
    func contains(_ address: WebAddress) -> Bool {
        let host = address.host.lowercased()
        if names.contains(host) || names.contains(address.hostAndPort.lowercased()) { return true }
        guard let found = try? Dialer.resolve(address.host, address.port) else { return false }
        return found.contains { candidate in networks.contains { $0.contains(candidate.text) } }
    }

    /// An address with the length of its prefix.
    struct Network: Sendable, Equatable {
        private let bytes: [UInt8]
        private let prefix: Int

        /// Parses `10.0.0.0/8` or `fd00::/8`.
        init?(_ text: String) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, let bytes = Self.bytes(String(parts[0])), let prefix = Int(parts[1]),
                (0...bytes.count * 8).contains(prefix)
            else { return nil }
            self.bytes = bytes
            self.prefix = prefix
        }

        func contains(_ text: String) -> Bool {
            guard let other = Self.bytes(text), other.count == bytes.count else { return false }
            for index in bytes.indices {
                let bits = min(8, max(0, prefix - index * 8))
                let mask = UInt8(truncatingIfNeeded: 0xFF00 >> bits)
                if bytes[index] & mask != other[index] & mask { return false }
            }
            return true
        }

        private static func bytes(_ text: String) -> [UInt8]? {
            var room = [UInt8](repeating: 0, count: 16)
            if inet_pton(AF_INET, text, &room) == 1 { return Array(room[..<4]) }
            if inet_pton(AF_INET6, text, &room) == 1 { return room }
            return nil
        }
    }
}

/// One that makes connections for others.
struct Proxy: Sendable, Equatable {
    let address: WebAddress
    /// Value of `Proxy-Authorization`.
    let authorization: String?
}

extension ProxySettings {
    /// The proxy through which an address is reached; nil for none. What is on this machine is always reached directly.
    func proxy(for address: WebAddress) -> Proxy? {
        let text = address.scheme == .https ? https : http
        guard !text.isEmpty, !isDirect(address), let proxy = WebAddress(text, defaultScheme: .http) else {
            return nil
        }
        return Proxy(address: proxy, authorization: WebAddress.userInformation(text).map(Self.basic))
    }

    private static func basic(_ user: String) -> String {
        let parts = user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let decoded = parts.map { percentDecoded($0) }
        return "Basic " + Base64.encode((decoded[0] + [0x3A] + (decoded.count > 1 ? decoded[1] : [])))
    }

    private func isDirect(_ address: WebAddress) -> Bool {
        let host = address.host.lowercased()
        if host == "localhost" || host.hasPrefix("127.") || host == "::1" { return true }
        return none.split(separator: ",").map { $0.trimmed.lowercased() }.contains { entry in
            if entry == "*" { return true }
            if let network = InsecureHosts.Network(entry) { return network.contains(host) }
            let (name, port) = WebAddress.split(entry[...]) ?? (entry, nil)
            if let port, port != address.port { return false }
            let domain = name.hasPrefix("*.") ? String(name.dropFirst()) : name
            if domain.hasPrefix(".") { return host.hasSuffix(domain) }
            return host == domain || host.hasSuffix("." + domain)
        }
    }
}
