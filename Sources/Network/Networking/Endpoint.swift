/// What a container asks of a network.
package struct EndpointRequest: Sendable {
    package var containerID: String
    /// Named in error messages.
    package var containerName: String
    /// Name, id or a unique prefix of an id.
    package var network: String
    /// nil: the next free one.
    package var address: IPv4Address?
    package var addressV6: IPv6Address?
    /// nil: derived from the address.
    package var macAddress: MACAddress?
    package var ports: [PortRequest]

    package init(
        containerID: String, containerName: String, network: String, address: IPv4Address? = nil,
        addressV6: IPv6Address? = nil, macAddress: MACAddress? = nil, ports: [PortRequest] = []
    ) {
        self.containerID = containerID
        self.containerName = containerName
        self.network = network
        self.address = address
        self.addressV6 = addressV6
        self.macAddress = macAddress
        self.ports = ports
    }
}

/// A container's place on a network. The engine keeps it in the container's record from `allocate` to `release`, and
/// hands those of live containers to `NetworkController.start` after a restart.
package struct Endpoint: Sendable, Codable, Hashable {
    /// An address with its subnet's prefix length and gateway.
    package struct Interface<Address: Sendable & Codable & Hashable>: Sendable, Codable, Hashable {
        package var address: Address
        package var prefixLength: Int
        package var gateway: Address?

        package init(address: Address, prefixLength: Int, gateway: Address?) {
            self.address = address
            self.prefixLength = prefixLength
            self.gateway = gateway
        }
    }

    /// 64 hexadecimal digits.
    package var id: String
    package var containerID: String
    package var containerName: String
    package var networkID: String
    package var networkName: String
    package var driver: NetworkRecord.Driver
    /// nil on the networks `host` and `none`.
    package var ipv4: Interface<IPv4Address>?
    package var ipv6: Interface<IPv6Address>?
    package var macAddress: MACAddress?
    /// The container's interface, such as `eth0`; empty on the networks `host` and `none`.
    package var interfaceName = ""
    /// The other end of the pair, on the host, such as `veth0a1b2c3`.
    package var hostInterfaceName = ""
    package var ports: [PublishedPort] = []

    package init(
        id: String, containerID: String, containerName: String, network: NetworkRecord
    ) {
        self.id = id
        self.containerID = containerID
        self.containerName = containerName
        networkID = network.id
        networkName = network.name
        driver = network.driver
    }
}
