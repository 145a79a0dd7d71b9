package import OCIModel

/// A network as `network inspect` shows it, without the containers on it (the engine knows those). What a user made
/// is durable in this form.
package struct NetworkRecord: Sendable, Codable, Hashable {
    package enum Driver: String, Sendable, Codable {
        case bridge, host, macvlan, ipvlan
        /// Docker calls the driver of the network `none` `null`.
        case null
    }

    /// One element of `IPAM.Config`.
    package struct AddressConfiguration: Sendable, Codable, Hashable {
        package var subnet: AddressBlock
        /// Where containers get their addresses, if not from the whole subnet.
        package var ipRange: AddressBlock?
        package var gateway: IPAddress?
        /// Addresses that no container gets, by name.
        package var auxiliary: [String: IPAddress]
        /// Whether the subnet was asked for; only then can containers ask for addresses.
        package var isSubnetGiven: Bool
        /// Docker shows a gateway that it chose itself only with a subnet that it chose itself.
        package var isGatewayGiven: Bool

        package init(
            subnet: AddressBlock, ipRange: AddressBlock? = nil, gateway: IPAddress? = nil,
            auxiliary: [String: IPAddress] = [:], isSubnetGiven: Bool = false, isGatewayGiven: Bool = false
        ) {
            self.subnet = subnet
            self.ipRange = ipRange
            self.gateway = gateway
            self.auxiliary = auxiliary
            self.isSubnetGiven = isSubnetGiven
            self.isGatewayGiven = isGatewayGiven
        }

        /// The gateway as `network inspect` shows it.
        package var shownGateway: IPAddress? { isSubnetGiven && !isGatewayGiven ? nil : gateway }
    }

    package var name: String
    /// 64 hexadecimal digits, the same over restarts of the daemon.
    package var id: String
    package var created: Timestamp
    package var scope = "local"
    package var driver: Driver
    package var enableIPv4 = true
    package var enableIPv6 = false
    package var ipamDriver = "default"
    /// nil where none were sent, as the inspection shows.
    package var ipamOptions: [String: String]?
    package var ipamConfigurations: [AddressConfiguration] = []
    package var isInternal = false
    package var attachable = false
    package var ingress = false
    package var configOnly = false
    package var configFrom = ""
    /// `com.docker.network.bridge.*` and what else Docker shows.
    package var options: [String: String] = [:]
    package var labels: [String: String] = [:]

    package init(name: String, id: String, created: Timestamp, driver: Driver) {
        self.name = name
        self.id = id
        self.created = created
        self.driver = driver
    }

    /// The networks that an engine has by itself.
    package static let predefinedNames: Set<String> = ["bridge", "host", "none"]

    package var isPredefined: Bool { Self.predefinedNames.contains(name) }

    /// Whether its containers find each other by name.
    package var hasNames: Bool { !isPredefined }

    package var subnets: [AddressBlock] { ipamConfigurations.map(\.subnet) }
}
