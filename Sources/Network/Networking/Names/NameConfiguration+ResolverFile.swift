import DNS

extension NameConfiguration {
    /// Google's public servers, which Docker falls back to as well.
    private static let publicServers = ["8.8.8.8", "8.8.4.4"]
    private static let resolverStub = "127.0.0.53"

    /// Where the host's servers are really listed: behind systemd-resolved's stub, which containers cannot reach.
    /// - Parameter content: that of the host's /etc/resolv.conf
    package static func hostResolverPath(content: String) -> String {
        ResolverFile(content).nameServers == [resolverStub]
            ? "/run/systemd/resolve/resolv.conf" : "/etc/resolv.conf"
    }

    /// Whether the container is given public servers because it could reach none of the host's.
    /// - Parameter hostFile: the host's own file
    package func usesPublicServers(hostFile: String) -> Bool {
        mode != .host && mode != .resolver && dns.isEmpty
            && !ResolverFile(hostFile).nameServers.contains(where: isReachable)
    }

    /// The content of `/etc/resolv.conf`, as Docker writes it: the host's file without the servers that a container
    /// cannot reach; made anew where servers, domains or options are given.
    /// - Parameter hostFile: the host's own file, that of `hostResolverPath`
    package func resolvConf(hostFile: String) -> String {
        if mode == .resolver { return resolverFile(hostFile) }
        guard dns.isEmpty, dnsSearch.isEmpty, dnsOptions.isEmpty else { return rebuilt(hostFile) }
        guard mode != .host else { return hostFile }
        var lines = hostFile.split(separator: "\n", omittingEmptySubsequences: false)
        lines.removeAll { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            return words.first == "nameserver" && line.first == "n" && words.count > 1
                && !isReachable(String(words[1]))
        }
        var text = lines.joined(separator: "\n")
        if usesPublicServers(hostFile: hostFile) {
            if !text.isEmpty, text.last != "\n" { text += "\n" }
            text += Self.publicServers.map { "\nnameserver \($0)" }.joined() + "\n"
        }
        return text
    }

    private func rebuilt(_ hostFile: String) -> String {
        var file = ResolverFile(hostFile)
        if !dns.isEmpty {
            file.nameServers = dns
        } else if mode != .host {
            file.nameServers.removeAll { !isReachable($0) }
            if file.nameServers.isEmpty { file.nameServers = Self.publicServers }
        }
        overrideDomainsAndOptions(&file)
        return file.text
    }

    private func overrideDomainsAndOptions(_ file: inout ResolverFile) {
        if !dnsSearch.isEmpty { file.search = dnsSearch == ["."] ? [] : dnsSearch }
        if !dnsOptions.isEmpty { file.options = dnsOptions }
    }

    /// The servers are the resolver's business; domains and options stay those of the host, or those given. A name
    /// without a dot is looked up as it is first, unless somebody decided that: containers are called so.
    private func resolverFile(_ hostFile: String) -> String {
        var file = ResolverFile(hostFile)
        overrideDomainsAndOptions(&file)
        if !file.options.contains(where: { $0 == "ndots" || $0.hasPrefix("ndots:") }) {
            file.options.append("ndots:0")
        }
        var lines = ["nameserver \(ResolverSockets.address)"]
        if !file.search.isEmpty { lines.append("search " + file.search.joined(separator: " ")) }
        lines.append("options " + file.options.joined(separator: " "))
        return lines.map { $0 + "\n" }.joined()
    }

    /// The host's loopback is not the container's, and without an IPv6 address no IPv6 server can be asked.
    private func isReachable(_ server: String) -> Bool {
        // A zone (fe80::1%eth0) names an interface of the host.
        guard let address = IPAddress(server) else { return false }
        guard !address.isLoopback else { return false }
        return address.isIPv4 || addresses.contains { !$0.isIPv4 }
    }
}
