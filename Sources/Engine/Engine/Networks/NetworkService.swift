package import Networking
package import OCIModel

/// Networks: Docker's `/networks`.
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
                && filters.matches("type") { ($0 == "builtin") == network.isPredefined }
                && filters.matchesLabels(network.labels)
                && (dangling == nil || dangling == isDangling(network))
        }.map(inspection)
    }

    /// Whether no container is on a network that somebody made.
    private func isDangling(_ network: NetworkRecord) -> Bool {
        !network.isPredefined && !parts.network.isUsed(network)
    }

    /// Makes a network; durable when it returns.
    /// - Returns: the id, and a warning in Docker's words or nothing
    /// - Throws: `NetworkError` as `NetworkController.create`
    package func create(_ request: NetworkRequest) async throws -> (id: String, warning: String) {
        let network = parts.network
        let record = try await parts.pool.run { try network.create(request) }
        publish("create", record)
        return (record.id, "")
    }

    /// - Throws: `NetworkError`: `noSuchNetwork`, `predefinedNetwork`, `networkInUse`
    package func remove(_ reference: String) async throws {
        let network = parts.network
        let record = try await parts.pool.run { try network.remove(reference) }
        publish("destroy", record)
    }

    private func publish(_ action: String, _ record: NetworkRecord) {
        parts.events.publish(
            .network, action, record.id, ["name": record.name, "type": record.driver.rawValue])
    }

    /// Who reaches which container, by the rules that are in the kernel now.
    package func audit() async throws -> NetworkAudit {
        let network = parts.network
        return try await parts.pool.run { try network.audit() }
    }

    /// Removes every network that a user made and no container is on.
    /// - Parameter filters: `label`, `label!`, `until`
    /// - Returns: the names of those that went
    package func prune(_ filters: Filters) async throws -> [String] {
        try filters.require(keys: ["label", "label!", "until"])
        let until = try filters["until"].first.map { text throws(EngineError) in
            guard let time = PruneTime.parse(text, now: .now) else {
                throw .invalid("invalid filter 'until=\(text)'")
            }
            return time
        }
        var removed: [String] = []
        for record in parts.network.networks where isDangling(record) {
            guard isPruned(record, filters, until) else { continue }
            do {
                try await remove(record.id)
                removed.append(record.name)
            } catch let error as NetworkError
                where error.code == .networkInUse || error.code == .noSuchNetwork
            {
                // Somebody was faster, one way or the other.
            }
        }
        parts.events.publish(.network, "prune", "", ["reclaimed": "0"])
        return removed
    }

    private func isPruned(_ record: NetworkRecord, _ filters: Filters, _ until: Timestamp?) -> Bool {
        filters.matchesLabels(record.labels)
            && (filters["label!"].isEmpty || !filters.matchesLabels(record.labels, key: "label!"))
            && until.map { record.created < $0 } ?? true
    }

    /// Puts a container on a network; one that runs has the interface when it returns, and its process goes on untouched.
    package func connect(
        _ reference: String, container: String, _ connection: NetworkConnection
    ) async throws {
        let found = try parts.registry.find(container)
        try await found.connect(reference, connection)
    }

    /// Takes a container off a network.
    /// - Parameter force: no failure where the container is gone
    package func disconnect(_ reference: String, container: String, force: Bool) async throws {
        let found: Container
        do {
            found = try parts.registry.find(container)
        } catch  where force {
            _ = try parts.network.network(reference)
            return
        }
        try await found.disconnect(reference)
    }

    /// By name, id or unambiguous id prefix.
    package func inspect(_ reference: String) throws -> NetworkInspection {
        inspection(try parts.network.network(reference))
    }

    private func inspection(_ network: NetworkRecord) -> NetworkInspection {
        NetworkInspection(
            name: network.name, id: network.id, created: network.created, scope: network.scope,
            driver: network.driver.rawValue, ipv4: network.enableIPv4, ipv6: network.enableIPv6,
            isInternal: network.isInternal, attachable: network.attachable, ingress: network.ingress,
            configOnly: network.configOnly, configFrom: network.configFrom,
            ipamDriver: network.ipamDriver, ipamOptions: network.ipamOptions,
            addresses: network.ipamConfigurations.map { configuration in
                NetworkInspection.AddressConfiguration(
                    subnet: "\(configuration.subnet)",
                    gateway: configuration.shownGateway.map { "\($0)" } ?? "",
                    range: configuration.ipRange.map { "\($0)" } ?? "",
                    auxiliary: configuration.auxiliary.mapValues { "\($0)" })
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
        /// Addresses that no container gets, by name.
        package var auxiliary: [String: String] = [:]
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
    package var ipv4: Bool
    package var ipv6: Bool
    package var isInternal: Bool
    package var attachable: Bool
    package var ingress: Bool
    package var configOnly: Bool
    /// Empty for none.
    package var configFrom: String
    package var ipamDriver: String
    package var ipamOptions: [String: String]?
    package var addresses: [AddressConfiguration]
    package var endpoints: [Endpoint]
    package var options: [String: String]
    package var labels: [String: String]
}
