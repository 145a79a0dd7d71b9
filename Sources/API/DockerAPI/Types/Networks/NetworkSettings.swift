/// The networks of a container; the members from `Bridge` to `MacAddress` but for the sandbox and `Ports` tell of
/// the default bridge only, and ended with 1.51.
package struct NetworkSettings: WireType {
    @Member package var bridge: String = ""
    @Member package var sandboxID: String = ""
    @Member package var sandboxKey: String = ""
    /// Keys as `80/tcp`; null where exposed but not published.
    @Nullable package var ports: [String: [PortBinding]?]?
    @Member package var hairpinMode: Bool = false
    @Member package var linkLocalIPv6Address: String = ""
    @Member package var linkLocalIPv6PrefixLen: Int = 0
    @Nullable package var secondaryIPAddresses: [String]?
    @Nullable package var secondaryIPv6Addresses: [String]?
    @Member package var endpointID: String = ""
    @Member package var gateway: String = ""
    @Member package var globalIPv6Address: String = ""
    @Member package var globalIPv6PrefixLen: Int = 0
    @Member package var ipAddress: String = ""
    @Member package var ipPrefixLen: Int = 0
    @Member package var ipv6Gateway: String = ""
    @Member package var macAddress: String = ""
    @Nullable package var networks: [String: EndpointSettings]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case bridge = "Bridge"
        case sandboxID = "SandboxID"
        case sandboxKey = "SandboxKey"
        case ports = "Ports"
        case hairpinMode = "HairpinMode"
        case linkLocalIPv6Address = "LinkLocalIPv6Address"
        case linkLocalIPv6PrefixLen = "LinkLocalIPv6PrefixLen"
        case secondaryIPAddresses = "SecondaryIPAddresses"
        case secondaryIPv6Addresses = "SecondaryIPv6Addresses"
        case endpointID = "EndpointID"
        case gateway = "Gateway"
        case globalIPv6Address = "GlobalIPv6Address"
        case globalIPv6PrefixLen = "GlobalIPv6PrefixLen"
        case ipAddress = "IPAddress"
        case ipPrefixLen = "IPPrefixLen"
        case ipv6Gateway = "IPv6Gateway"
        case macAddress = "MacAddress"
        case networks = "Networks"
    }
}
