import Networking
package import OCIModel

/// Networks: Docker's `/networks`, of the built-in ones.
package final class NetworkService: Sendable {
    private static let known: Set<String> = ["dangling", "driver", "id", "label", "name", "scope", "type"]
    private let parts: EngineParts

    init(_ parts: EngineParts) { self.parts = parts }

    package func list(_ filters: Filters) throws -> [NetworkInspection] {
        try filters.require(keys: Self.known)
        for type in filters["type"] where !["builtin", "custom"].contains(type) {
            throw EngineError.invalid("invalid filter: 'type'='\(type)'")
        }
        let dangling = try filters.flag("dangling")
        return parts.network.networks.filter { network in
            filters.matches("name") { network.name.contains($0) }
                && filters.matches("id") { network.id.hasPrefix($0) }
                && filters.matches("driver") { $0 == network.driver.rawValue }
                && filters.matches("scope") { $0 == network.scope }
                && filters.matches("type") { $0 == "builtin" }
                && filters.matchesLabels(network.labels)
                && dangling != true
        }.map(inspection)
    }

    /// By name, id or unambiguous id prefix.
    package func inspect(_ reference: String) throws -> NetworkInspection {
        inspection(try parts.network.network(reference))
    }

    private func inspection(_ network: NetworkRecord) -> NetworkInspection {
        NetworkInspection(
            name: network.name, id: network.id, created: network.created, scope: network.scope,
            driver: network.driver.rawValue, ipv6: network.enableIPv6, isInternal: network.isInternal,
            addresses: network.ipamConfigurations.map { configuration in
                NetworkInspection.AddressConfiguration(
                    subnet: "\(configuration.subnet)", gateway: configuration.gateway.map { "\($0)" } ?? "",
                    range: configuration.ipRange.map { "\($0)" } ?? "")
            },
            endpoints: endpoints(of: network.id), options: network.options, labels: network.labels)
    }

    private func endpoints(of network: String) -> [NetworkInspection.Endpoint] {
        parts.registry.all.flatMap { container in
            let progress = container.progress
            guard progress.state.isRunning else { return [NetworkInspection.Endpoint]() }
            return progress.endpoints.filter { $0.networkID == network }.map { endpoint in
                NetworkInspection.Endpoint(
                    containerID: container.id, containerName: container.name, endpointID: endpoint.id,
                    macAddress: endpoint.macAddress.map { "\($0)" } ?? "",
                    ipv4: endpoint.ipv4.map { "\($0.address)/\($0.prefixLength)" } ?? "",
                    ipv6: endpoint.ipv6.map { "\($0.address)/\($0.prefixLength)" } ?? "")
            }
        }.sorted { $0.containerID < $1.containerID }
    }
}

package struct NetworkInspection: Sendable, Hashable {
    package struct AddressConfiguration: Sendable, Hashable {
        package var subnet: String
        package var gateway: String
        package var range = ""
    }

    package struct Endpoint: Sendable, Hashable {
        package var containerID: String
        package var containerName: String
        package var endpointID: String
        package var macAddress: String
        /// With prefix length; empty where there is none.
        package var ipv4: String
        package var ipv6: String
    }

    package var name: String
    package var id: String
    package var created: Timestamp
    package var scope: String
    package var driver: String
    package var ipv6: Bool
    package var isInternal: Bool
    package var addresses: [AddressConfiguration]
    package var endpoints: [Endpoint]
    package var options: [String: String]
    package var labels: [String: String]
}
