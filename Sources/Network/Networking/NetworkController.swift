package import Logging

/// The networks of one daemon instance: its bridge, its nftables table, its addresses and its published ports.
///
/// Blocking and safe to call from any thread. Allocation and rules are serial, what happens inside a container's
/// namespace is not. Nothing is durable here but the ids of the networks: the engine keeps each `Endpoint` with its
/// container and hands the live ones back after a restart.
package final class NetworkController: Sendable {
    package let configuration: NetworkConfiguration
    private let logger: Logger

    /// Checks the configuration; touches nothing yet.
    /// - Throws: `NetworkError` (`invalidConfiguration`)
    package init(_ configuration: NetworkConfiguration, logger: Logger) throws(NetworkError) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Makes the bridge, the kernel settings and the table, takes the endpoints of containers that are alive back, and
    /// removes what else carries this instance's name. To be called once, before anything else.
    /// - Parameter existing: the endpoints of containers that survived the last daemon
    package func start(existing: [Endpoint]) throws(NetworkError) {
        throw NetworkError(.unsupported, "networks are not built yet")
    }

    /// `bridge`, `host` and `none`, in Docker's order; without `bridge` where the configuration says so.
    package var networks: [NetworkRecord] { [] }

    /// A network by name, id or unique prefix of an id.
    /// - Throws: `NetworkError` (`noSuchNetwork`) in Docker's words: `network x not found`
    package func network(_ nameOrID: String) throws(NetworkError) -> NetworkRecord {
        throw NetworkError(.noSuchNetwork, "network \(nameOrID) not found")
    }

    /// Takes an address, names and host ports for a container. Every port conflict shows here, before the
    /// container starts; nothing carries traffic yet. Undone by `release`.
    /// - Throws: `NetworkError`: `portAllocated`, `portInUse`, `addressInUse`, `exhausted`, `invalidRequest`,
    ///   `noSuchNetwork`; nothing stays taken then
    package func allocate(_ request: EndpointRequest) throws(NetworkError) -> Endpoint {
        throw NetworkError(.unsupported, "networks are not built yet")
    }

    /// Connects a container that has not started yet: interface, addresses and routes inside, loopback up, published
    /// ports live. On `none` only the loopback is brought up, on `host` nothing is done.
    /// - Parameter namespace: a descriptor of the container's network namespace; stays the caller's
    package func attach(_ endpoint: Endpoint, namespace: Int32) throws(NetworkError) {
        throw NetworkError(.unsupported, "networks are not built yet")
    }

    /// Takes the published ports off and frees ports and address. The interface goes with the container's namespace
    /// and is not waited for. Works after any prefix of allocate and attach, and again; goes on after failures and
    /// logs them.
    package func release(_ endpoint: Endpoint) {}

    /// Stops the threads of the controller.
    /// - Parameter removeAll: also deletes table, bridge and forwarder, unless a container still uses them; false
    ///   leaves everything working for the containers that go on without a daemon
    package func shutdown(removeAll: Bool) {}
}
