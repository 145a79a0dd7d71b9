extension NameConfiguration {
    private static let standardLines = [
        "127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", "fe00::0\tip6-localnet",
        "ff00::0\tip6-mcastprefix", "ff02::1\tip6-allnodes", "ff02::2\tip6-allrouters",
    ]

    /// The content of `/etc/hosts`, line for line as Docker writes it: the standard names, `--add-host`, links, the
    /// container itself.
    /// - Parameter hostFile: the host's own file, which a container in host mode gets unless names are added
    /// - Throws: `NetworkError` (`invalidRequest`) for an `--add-host` that cannot be read
    package func hostsFile(hostFile: String) throws(NetworkError) -> String {
        if mode == .host, extraHosts.isEmpty, links.isEmpty { return hostFile }
        var lines = Self.standardLines
        for entry in extraHosts { lines += try extraLines(entry) }
        for link in links {
            var names: [String] = []
            for name in link.names where !name.isEmpty && !names.contains(name) { names.append(name) }
            lines.append("\(link.address)\t\(names.joined(separator: " "))")
        }
        if mode == .bridge || mode == .resolver, !hostname.isEmpty {
            lines += addresses.map { "\($0)\t\(ownNames)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var ownNames: String { Self.ownNames(hostname: hostname, domainname: domainname) }

    /// What a container calls itself in its hosts file: `web` alone, or with a domain in front `web.example.org web`.
    package static func ownNames(hostname: String, domainname: String) -> String {
        let full = domainname.isEmpty ? hostname : "\(hostname).\(domainname)"
        let short = full.prefix { $0 != "." }
        return short == full[...] ? full : "\(full) \(short)"
    }

    private func extraLines(_ entry: String) throws(NetworkError) -> [String] {
        guard let separator = entry.firstIndex(where: { $0 == ":" || $0 == "=" }),
            separator != entry.startIndex
        else { throw NetworkError(.invalidRequest, "bad format for add-host: \"\(entry)\"") }
        let name = entry[..<separator]
        var text = entry[entry.index(after: separator)...]
        if text == "host-gateway" {
            guard !hostGateway.isEmpty else {
                throw NetworkError(
                    .invalidRequest,
                    "unable to derive the IP value for host-gateway: the host has no bridge address")
            }
            return hostGateway.map { "\($0)\t\(name)" }
        }
        if text.first == "[", text.last == "]" { text = text.dropFirst().dropLast() }
        // The address as it was given: a client that compares the file finds its own spelling.
        guard IPAddress(String(text)) != nil else {
            throw NetworkError(.invalidRequest, "invalid IP address in add-host: \"\(text)\"")
        }
        return ["\(text)\t\(name)"]
    }
}
