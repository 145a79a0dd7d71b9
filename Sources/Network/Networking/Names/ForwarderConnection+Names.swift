import JSONCodec
import LinuxKernel

/// What `skiff-net` is told about names; nothing is sent where there is nothing to say.
extension ForwarderConnection {
    private static let itemsPerMessage = 64

    func change(names: [EndpointNames], removed: [String]) throws(SystemCallError) {
        if !removed.isEmpty { _ = try call(["op": "names", "remove": .strings(removed)]) }
        try inParts(names) { (part, connection) throws(SystemCallError) in
            let list = part.map { endpoint -> JSONValue in
                [
                    "id": .string(endpoint.endpoint), "network": .string(endpoint.network),
                    "networkName": .string(endpoint.networkName), "names": .strings(endpoint.names),
                    "addresses": .strings(endpoint.addresses.map(\.description)),
                ]
            }
            _ = try connection.call(["op": "names", "set": .array(list)])
        }
    }

    func end(_ containers: [String]) throws(SystemCallError) {
        if !containers.isEmpty { _ = try call(["op": "end", "containers": .strings(containers)]) }
    }

    func update(_ resolvers: [ContainerResolver]) throws(SystemCallError) {
        try inParts(resolvers) { (part, connection) throws(SystemCallError) in
            _ = try connection.call(["op": "update", "resolvers": .array(part.map(Self.json))])
        }
    }

    func serve(_ resolvers: [(ContainerResolver, ResolverSockets)]) throws(SystemCallError) {
        try inParts(resolvers) { (part, connection) throws(SystemCallError) in
            _ = try connection.call(
                ["op": "serve", "resolvers": .array(part.map { Self.json($0.0) })],
                part.flatMap { [$0.1.datagrams, $0.1.listener, $0.1.process] })
        }
    }

    private static func json(_ resolver: ContainerResolver) -> JSONValue {
        var links = JSONObject()
        for (alias, target) in resolver.links { links[alias] = .string(target) }
        return [
            "container": .string(resolver.container), "process": .integer(Int64(resolver.process)),
            "networks": .strings(resolver.networks), "links": .object(links),
            "servers": .strings(resolver.servers.map(\.description)),
            "forwarding": .bool(resolver.isForwarding),
        ]
    }

    /// Descriptors and lines of one message are limited.
    private func inParts<T>(
        _ items: [T], _ send: ([T], ForwarderConnection) throws(SystemCallError) -> Void
    ) throws(SystemCallError) {
        var rest = items[...]
        while !rest.isEmpty {
            try send(Array(rest.prefix(Self.itemsPerMessage)), self)
            rest = rest.dropFirst(Self.itemsPerMessage)
        }
    }
}
