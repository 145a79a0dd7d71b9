package import OCIModel

/// Networks: Docker's `/networks`, of the built-in ones.
package final class NetworkService: Sendable {
    init() {}

    package func list(_ filters: Filters) throws -> [NetworkInspection] { [] }

    /// By name, id or unambiguous id prefix.
    package func inspect(_ reference: String) throws -> NetworkInspection {
        throw EngineError(.noSuchNetwork, "network \(reference) not found")
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
