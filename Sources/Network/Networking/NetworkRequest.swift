/// A network that somebody wants: the body of Docker's `POST /networks/create`, addresses still as text.
package struct NetworkRequest: Sendable, Hashable {
    /// One element of `IPAM.Config`; empty texts are chosen by the engine.
    package struct Pool: Sendable, Hashable {
        package var subnet: String
        package var range: String
        package var gateway: String
        /// Addresses that no container gets, by name.
        package var auxiliary: [String: String]

        package init(
            subnet: String = "", range: String = "", gateway: String = "", auxiliary: [String: String] = [:]
        ) {
            self.subnet = subnet
            self.range = range
            self.gateway = gateway
            self.auxiliary = auxiliary
        }
    }

    package var name: String
    /// Empty for `bridge`.
    package var driver = ""
    package var enableIPv4 = true
    package var enableIPv6 = false
    /// Empty for `default`.
    package var ipamDriver = ""
    package var ipamOptions: [String: String]?
    package var pools: [Pool] = []
    package var isInternal = false
    package var attachable = false
    package var ingress = false
    /// A network that only lends its settings to others.
    package var configOnly = false
    /// The network that settings are taken from; empty for none.
    package var configFrom = ""
    package var options: [String: String] = [:]
    package var labels: [String: String] = [:]

    package init(name: String) { self.name = name }
}
