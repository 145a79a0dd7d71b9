package import OCIModel

/// A network as `network inspect` shows it, without the containers on it (the engine knows those).
package struct NetworkRecord: Sendable, Codable, Hashable {
    package enum Driver: String, Sendable, Codable {
        case bridge, host
        /// Docker calls the driver of the network `none` `null`.
        case null
    }

    /// One element of `IPAM.Config`.
    package struct AddressConfiguration: Sendable, Codable, Hashable {
        package var subnet: AddressBlock
        /// Where containers get their addresses, if not from the whole subnet.
        package var ipRange: AddressBlock?
        package var gateway: IPAddress?

        package init(subnet: AddressBlock, ipRange: AddressBlock? = nil, gateway: IPAddress? = nil) {
            self.subnet = subnet
            self.ipRange = ipRange
            self.gateway = gateway
        }
    }

    package var name: String
    /// 64 hexadecimal digits, the same over restarts of the daemon.
    package var id: String
    package var created: Timestamp
    package var scope = "local"
    package var driver: Driver
    package var enableIPv6 = false
    package var ipamDriver = "default"
    package var ipamConfigurations: [AddressConfiguration] = []
    package var isInternal = false
    package var attachable = false
    package var ingress = false
    /// `com.docker.network.bridge.*` and what else Docker shows.
    package var options: [String: String] = [:]
    package var labels: [String: String] = [:]

    package init(name: String, id: String, created: Timestamp, driver: Driver) {
        self.name = name
        self.id = id
        self.created = created
        self.driver = driver
    }
}
