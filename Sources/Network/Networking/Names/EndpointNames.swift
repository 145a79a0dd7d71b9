/// What a container is called on one network.
package struct EndpointNames: Sendable, Hashable {
    /// The endpoint's id.
    package var endpoint: String
    /// The network's id.
    package var network: String
    package var networkName: String
    /// The container's id.
    package var container: String
    /// The container's name first, which a search by address finds with the network's name behind it; then its short id
    /// and its aliases. What cannot be a domain name is left out.
    package var names: [String]
    package var addresses: [IPAddress]

    package init(
        endpoint: String, network: String, networkName: String, container: String, names: [String],
        addresses: [IPAddress]
    ) {
        self.endpoint = endpoint
        self.network = network
        self.networkName = networkName
        self.container = container
        self.names = names
        self.addresses = addresses
    }
}

/// How a container's questions at 127.0.0.11 are answered.
package struct ContainerResolver: Sendable, Hashable {
    /// The container's id.
    package var container: String
    /// A process in the container's network namespace; answering ends with it.
    package var process: Int32
    /// Ids of its networks; the first that knows a name decides.
    package var networks: [String]
    /// Names that this container alone sees, each with the container's name that it stands for.
    package var links: [String: String]
    /// Asked for what no network knows; empty for those of the host.
    package var servers: [IPAddress]
    /// False where every network is internal: names from elsewhere fail then.
    package var isForwarding: Bool

    package init(
        container: String, process: Int32, networks: [String], links: [String: String] = [:],
        servers: [IPAddress] = [], isForwarding: Bool = true
    ) {
        self.container = container
        self.process = process
        self.networks = networks
        self.links = links
        self.servers = servers
        self.isForwarding = isForwarding
    }
}
