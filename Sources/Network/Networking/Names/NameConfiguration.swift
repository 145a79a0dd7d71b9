/// What decides the content of a container's `/etc/hosts` and `/etc/resolv.conf`.
package struct NameConfiguration: Sendable {
    /// `--link` on the default bridge.
    package struct Link: Sendable, Hashable {
        package var address: IPAddress
        /// In the order of the line: alias, then the other container's id (or host name) and name.
        package var names: [String]

        package init(address: IPAddress, names: [String]) {
            self.address = address
            self.names = names
        }
    }

    package enum Mode: Sendable {
        /// The host's own files, with the additions asked for.
        case host
        /// Loopback only.
        case none
        case bridge
    }

    package var mode: Mode
    package var hostname: String
    package var domainname = ""
    /// The container's own addresses, each of which gets a line.
    package var addresses: [IPAddress] = []
    /// `--add-host`: `name:address` or `name=address`; the address may be `host-gateway`.
    package var extraHosts: [String] = []
    /// What `host-gateway` stands for.
    package var hostGateway: [IPAddress] = []
    package var links: [Link] = []
    /// `--dns`, or else the daemon's.
    package var dns: [String] = []
    /// `--dns-search`, or else the daemon's; `.` alone means none.
    package var dnsSearch: [String] = []
    /// `--dns-option`, or else the daemon's.
    package var dnsOptions: [String] = []

    package init(mode: Mode, hostname: String) {
        self.mode = mode
        self.hostname = hostname
    }
}

extension NameConfiguration {
    /// The content of `/etc/hosts`.
    /// - Parameter hostFile: the host's own file, the start of it in host mode
    /// - Throws: `NetworkError` (`invalidRequest`) for an `--add-host` that cannot be read
    package func hostsFile(hostFile: String) throws(NetworkError) -> String {
        throw NetworkError(.unsupported, "names are not built yet")
    }

    /// The content of `/etc/resolv.conf`.
    /// - Parameter hostFile: the host's own file
    package func resolvConf(hostFile: String) -> String { hostFile }

    /// The content of `/etc/hostname`.
    package var hostnameFile: String { hostname + "\n" }
}
