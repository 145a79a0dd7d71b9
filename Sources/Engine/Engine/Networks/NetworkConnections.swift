import Networking

/// Which networks a container is on, from what its creation asked for.
extension NetworkSpec {
    /// The name of the network that the mode stands for; nil where the container has none of its own.
    var modeNetwork: String? {
        switch mode {
        case .standard, .bridge: "bridge"
        case .host: "host"
        case .none: "none"
        case .named(let name): name
        case .container: nil
        }
    }

    /// Puts the mode's network and the others into the order of their interfaces, by name.
    /// - Parameter name: the name of a network that is given by name or id; itself where there is none
    /// - Throws: `EngineError` (`invalidParameter`) in Docker's words
    mutating func settleConnections(_ name: (String) -> String) throws(EngineError) {
        guard let own = modeNetwork.map(name) else {
            endpoints = []
            return
        }
        var connections: [NetworkConnection] = []
        for var connection in endpoints {
            // `default` is what clients call the network of that mode.
            connection.network = connection.network == "default" ? own : name(connection.network)
            guard !connections.contains(where: { $0.network == connection.network }) else {
                throw .invalid("conflicting options: network \(connection.network) is named twice")
            }
            connections.append(connection)
        }
        let isOwnGiven = connections.contains { $0.network == own }
        if case .standard = mode, !connections.isEmpty {
            // As in Docker, networks that are named replace the one that is not.
        } else if !isOwnGiven {
            connections.append(NetworkConnection(network: own))
        }
        if connections.isEmpty { connections.append(NetworkConnection(network: own)) }
        if connections.count > 1,
            let alone = connections.first(where: { ["host", "none"].contains($0.network) })
        {
            throw .invalid(
                "conflicting options: cannot attach both user-defined and non-user-defined network-modes: a "
                    + "container on network \(alone.network) is on no other")
        }
        connections.sort { left, right in
            left.network == own || (right.network != own && left.network < right.network)
        }
        if !macAddress.isEmpty, connections[0].macAddress.isEmpty { connections[0].macAddress = macAddress }
        for connection in connections { try connection.validate() }
        endpoints = connections
    }
}

extension NetworkConnection {
    var isPredefined: Bool { NetworkRecord.predefinedNames.contains(network) }

    /// - Throws: `EngineError` (`invalidParameter`) in Docker's words
    func validate() throws(EngineError) {
        if isPredefined {
            guard aliases.isEmpty else {
                throw .invalid(
                    "network-scoped alias is supported only for containers in user defined networks")
            }
            guard ipv4Address.isEmpty, ipv6Address.isEmpty else {
                throw .invalid("user specified IP address is supported on user defined networks only")
            }
        }
        guard ipv4Address.isEmpty || IPv4Address(ipv4Address) != nil else {
            throw .invalid("invalid IPv4 address: \(ipv4Address)")
        }
        guard ipv6Address.isEmpty || IPv6Address(ipv6Address) != nil else {
            throw .invalid("invalid IPv6 address: \(ipv6Address)")
        }
        for text in linkLocalAddresses where IPAddress(text) == nil {
            throw .invalid("invalid link-local IP address: \(text)")
        }
        guard macAddress.isEmpty || MACAddress(macAddress) != nil else {
            throw .invalid("invalid MAC address: \(macAddress)")
        }
        for alias in aliases where alias.isEmpty || alias.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f }) {
            throw .invalid("invalid alias: \(alias.debugDescription)")
        }
        for link in links { _ = try Link.split(link) }
    }
}

extension Container {
    /// Takes a place on a network.
    /// - Parameter others: what the container holds on other networks
    nonisolated func allocate(
        _ connection: NetworkConnection, beside others: [Endpoint], ports: [PortRequest]
    ) throws -> Endpoint {
        let record = try parts.network.network(connection.network)
        var request = EndpointRequest(
            containerID: id, containerName: name, network: record.id,
            address: IPv4Address(connection.ipv4Address), addressV6: IPv6Address(connection.ipv6Address),
            macAddress: MACAddress(connection.macAddress), ports: ports)
        request.linkLocalAddresses = connection.linkLocalAddresses.compactMap { IPAddress($0) }
        request.driverOptions = connection.driverOptions
        request.otherInterfaces = others.map(\.interfaceName)
        if record.hasNames { request.names = names(on: connection) }
        return try parts.network.allocate(request)
    }

    /// What the container is called on a network with names, as `DNSNames` lists it.
    nonisolated func names(on connection: NetworkConnection) -> [String] {
        var names: [String] = []
        for text in [name] + connection.aliases + [String(id.prefix(12)), spec.network.hostname]
        where !text.isEmpty && !names.contains(text) { names.append(text) }
        return names
    }

    /// The position of the network that published ports belong to: of the bridges that lead outside the one that the
    /// default route prefers.
    nonisolated func publisher(_ connections: [NetworkConnection]) -> Int? {
        let candidates = connections.indices.compactMap { index -> (index: Int, record: NetworkRecord)? in
            guard let record = try? parts.network.network(connections[index].network),
                record.driver == .bridge, !record.isInternal
            else { return nil }
            return (index, record)
        }
        return candidates.min { left, right in
            let (first, second) = (
                connections[left.index].gatewayPriority, connections[right.index].gatewayPriority
            )
            return first == second ? left.record.name < right.record.name : first > second
        }?.index
    }

    /// By network id.
    nonisolated func gatewayPriorities(_ connections: [NetworkConnection]) -> [String: Int] {
        var priorities: [String: Int] = [:]
        for connection in connections {
            guard let record = try? parts.network.network(connection.network) else { continue }
            priorities[record.id] = connection.gatewayPriority
        }
        return priorities
    }
}

extension NetworkSpec {
    /// What is to be published, with `--publish-all`.
    func portRequests(exposed: [ContainerPort]) throws -> [PortRequest] {
        var requests: [PortRequest] = []
        for publication in publishedPorts { requests += try publication.requests }
        guard publishAll else { return requests }
        let published = Set(publishedPorts.map(\.port))
        for port in exposed where !published.contains(port) {
            requests.append(try PortRequest(port: port.text, hostIP: "", hostPort: ""))
        }
        return requests
    }
}

extension PortPublication {
    var requests: [PortRequest] {
        get throws {
            try (bindings.isEmpty ? [HostBinding()] : bindings).map {
                try PortRequest(port: port.text, hostIP: $0.address, hostPort: $0.portText)
            }
        }
    }
}
