/// The answer of `GET /networks/{id}`; without `Containers` filled, an element of `GET /networks`.
package struct NetworkResource: WireType {
    @Member package var name: String = ""
    @Member package var id: String = ""
    @Member package var created: String = ""
    @Member package var scope: String = ""
    @Member package var driver: String = ""
    /// Since 1.47.
    package var enableIPv4: Bool?
    @Member package var enableIPv6: Bool = false
    @Member package var ipam: IPAM = IPAM()
    @Member package var isInternal: Bool = false
    @Member package var attachable: Bool = false
    @Member package var ingress: Bool = false
    @Member package var configFrom: ConfigReference = ConfigReference()
    @Member package var configOnly: Bool = false
    /// By container id.
    @Member package var containers: [String: EndpointResource] = [:]
    @Nullable package var options: [String: String]?
    @Nullable package var labels: [String: String]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case id = "Id"
        case created = "Created"
        case scope = "Scope"
        case driver = "Driver"
        case enableIPv4 = "EnableIPv4"
        case enableIPv6 = "EnableIPv6"
        case ipam = "IPAM"
        case isInternal = "Internal"
        case attachable = "Attachable"
        case ingress = "Ingress"
        case configFrom = "ConfigFrom"
        case configOnly = "ConfigOnly"
        case containers = "Containers"
        case options = "Options"
        case labels = "Labels"
    }
}

package struct IPAM: WireType {
    @Member package var driver: String = ""
    @Nullable package var options: [String: String]?
    @Nullable package var config: [IPAMConfig]?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case driver = "Driver"
        case options = "Options"
        case config = "Config"
    }
}

package struct IPAMConfig: WireType {
    @OmitEmpty package var subnet: String = ""
    @OmitEmpty package var ipRange: String = ""
    @OmitEmpty package var gateway: String = ""
    @OmitEmpty package var auxiliaryAddresses: [String: String] = [:]

    package init() {}

    enum CodingKeys: String, CodingKey {
        case subnet = "Subnet"
        case ipRange = "IPRange"
        case gateway = "Gateway"
        case auxiliaryAddresses = "AuxiliaryAddresses"
    }
}

package struct ConfigReference: WireType {
    @Member package var network: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case network = "Network"
    }
}

package struct EndpointResource: WireType {
    @Member package var name: String = ""
    @Member package var endpointID: String = ""
    @Member package var macAddress: String = ""
    @Member package var ipv4Address: String = ""
    @Member package var ipv6Address: String = ""

    package init() {}

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case endpointID = "EndpointID"
        case macAddress = "MacAddress"
        case ipv4Address = "IPv4Address"
        case ipv6Address = "IPv6Address"
    }
}
