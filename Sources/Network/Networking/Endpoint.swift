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
    /// Further addresses of the interface, of 169.254.0.0/16 or fe80::/10 (`--link-local-ip`).
    package var linkLocalAddresses: [IPAddress] = []
    /// What the container is called on this network: its name first, then its short id and aliases.
    package var names: [String] = []
    /// Those that an endpoint understands, such as `skiff.rate`.
    package var driverOptions: [String: String] = [:]
    /// The container's other interfaces: this one gets the lowest free `ethN`.
    package var otherInterfaces: [String] = []
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
    package var linkLocalAddresses: [IPAddress] = []
    package var names: [String] = []
    package var driverOptions: [String: String] = [:]
    /// Which of the container's default routes lead over this network: all, where it is the only one.
    package var defaultRoutes = DefaultRoutes.both

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

extension Endpoint {
    package var addresses: [IPAddress] {
        [ipv4.map { .v4($0.address) }, ipv6.map { .v6($0.address) }].compactMap { $0 }
    }

    /// Members that records of earlier versions do not have are as they were then.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        containerID = try container.decode(String.self, forKey: .containerID)
        containerName = try container.decode(String.self, forKey: .containerName)
        networkID = try container.decode(String.self, forKey: .networkID)
        networkName = try container.decode(String.self, forKey: .networkName)
        driver = try container.decode(NetworkRecord.Driver.self, forKey: .driver)
        ipv4 = try container.decodeIfPresent(Interface<IPv4Address>.self, forKey: .ipv4)
        ipv6 = try container.decodeIfPresent(Interface<IPv6Address>.self, forKey: .ipv6)
        macAddress = try container.decodeIfPresent(MACAddress.self, forKey: .macAddress)
        interfaceName = try container.decode(String.self, forKey: .interfaceName)
        hostInterfaceName = try container.decode(String.self, forKey: .hostInterfaceName)
        ports = try container.decode([PublishedPort].self, forKey: .ports)
        linkLocalAddresses =
            try container.decodeIfPresent([IPAddress].self, forKey: .linkLocalAddresses) ?? []
        names = try container.decodeIfPresent([String].self, forKey: .names) ?? []
        driverOptions = try container.decodeIfPresent([String: String].self, forKey: .driverOptions) ?? [:]
        defaultRoutes =
            try container.decodeIfPresent(DefaultRoutes.self, forKey: .defaultRoutes) ?? .both
    }
}

/// Families of IP.
package struct DefaultRoutes: OptionSet, Sendable, Codable, Hashable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let ipv4 = DefaultRoutes(rawValue: 1)
    package static let ipv6 = DefaultRoutes(rawValue: 2)
    package static let both: DefaultRoutes = [.ipv4, .ipv6]
}

/// How a container's default routes are chosen among its networks.
package enum GatewayChoice {
    /// Marks the endpoints that the default routes lead over: of those that have a gateway the one of the highest
    /// priority, then the first by the network's name.
    /// - Parameter priorities: by network id; absent is 0
    package static func mark(_ endpoints: inout [Endpoint], priorities: [String: Int]) {
        let order = endpoints.indices.sorted { left, right in
            let (first, second) = (endpoints[left], endpoints[right])
            let (high, low) = (priorities[first.networkID] ?? 0, priorities[second.networkID] ?? 0)
            return high == low ? first.networkName < second.networkName : high > low
        }
        let ipv4 = order.first { endpoints[$0].ipv4?.gateway != nil }
        let ipv6 = order.first { endpoints[$0].ipv6?.gateway != nil }
        for index in endpoints.indices {
            var routes: DefaultRoutes = []
            if index == ipv4 { routes.insert(.ipv4) }
            if index == ipv6 { routes.insert(.ipv6) }
            endpoints[index].defaultRoutes = routes
        }
    }
}
