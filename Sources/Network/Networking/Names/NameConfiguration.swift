/// What decides the content of a container's `/etc/hosts` and `/etc/resolv.conf`.
package struct NameConfiguration: Sendable {
    /// `--link` on the default bridge.
    package struct Link: Sendable, Hashable {
        package var address: IPAddress
        /// In the order of the line: alias, then the other container's host name and its name.
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
        /// The default bridge.
        case bridge
        /// Networks with names: `skiff-net` answers.
        case resolver
    }

    package var mode: Mode
    package var hostname: String
    package var domainname = ""
    /// The container's own addresses, each of which gets a line; without an IPv6 one, IPv6 name servers are left out.
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
    /// The content of `/etc/hostname`.
    package var hostnameFile: String { hostname + "\n" }
}
