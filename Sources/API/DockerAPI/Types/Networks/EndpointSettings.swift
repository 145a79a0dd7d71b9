/// `NetworkingConfig` of a create request.
package struct NetworkingConfig: WireType {
    /// By network name.
    @Nullable package var endpointsConfig: [String: EndpointSettings?]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case endpointsConfig = "EndpointsConfig"
    }
}

/// A container's connection to a network: what is asked for, then what is so.
package struct EndpointSettings: WireType {
    @Nullable package var ipamConfig: EndpointIPAMConfig?
    @Nullable package var links: [String]?
    @Nullable package var aliases: [String]?
    @Member package var macAddress: String = ""
    @Nullable package var driverOpts: [String: String]?
    /// Since 1.48.
    package var gwPriority: Int?
    @Member package var networkID: String = ""
    @Member package var endpointID: String = ""
    @Member package var gateway: String = ""
    @Member package var ipAddress: String = ""
    @Member package var ipPrefixLen: Int = 0
    @Member package var ipv6Gateway: String = ""
    @Member package var globalIPv6Address: String = ""
    @Member package var globalIPv6PrefixLen: Int64 = 0
    /// Since 1.44; nil for older clients, which do not know the member.
    package var dnsNames: NullableValue<[String]>?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case ipamConfig = "IPAMConfig"
        case links = "Links"
        case aliases = "Aliases"
        case macAddress = "MacAddress"
        case driverOpts = "DriverOpts"
        case gwPriority = "GwPriority"
        case networkID = "NetworkID"
        case endpointID = "EndpointID"
        case gateway = "Gateway"
        case ipAddress = "IPAddress"
        case ipPrefixLen = "IPPrefixLen"
        case ipv6Gateway = "IPv6Gateway"
        case globalIPv6Address = "GlobalIPv6Address"
        case globalIPv6PrefixLen = "GlobalIPv6PrefixLen"
        case dnsNames = "DNSNames"
    }
}

package struct EndpointIPAMConfig: WireType {
    @OmitEmpty package var ipv4Address: String = ""
    @OmitEmpty package var ipv6Address: String = ""
    @OmitEmpty package var linkLocalIPs: [String] = []

    package init() {}

    enum CodingKeys: String, CodingKey {
        case ipv4Address = "IPv4Address"
        case ipv6Address = "IPv6Address"
        case linkLocalIPs = "LinkLocalIPs"
    }
}
