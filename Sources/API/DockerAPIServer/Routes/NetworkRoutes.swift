import HTTPTransport
import DockerAPI
import Engine
import JSONCodec
import OCIModel

/// Networks: list and inspect.
struct NetworkRoutes: EndpointGroup {
    let engine: Engine

    var endpoints: [Endpoint] { [Endpoint(.networkList, list), Endpoint(.networkInspect, inspect)] }

    @Sendable private func list(_ request: Request, _ reply: Reply) async throws {
        let networks = try engine.networks.list(try request.filters()).map { network in
            var wire = NetworkResource(network, version: request.version)
            // As in Docker, where the list has not looked at the containers.
            wire.containers = [:]
            return wire
        }
        try await reply.json(networks)
    }

    @Sendable private func inspect(_ request: Request, _ reply: Reply) async throws {
        if let scope = request.query["scope"], !["", "local"].contains(scope) {
            throw EngineError(.noSuchNetwork, "network \(request.reference) not found")
        }
        let network = try engine.networks.inspect(request.reference)
        try await reply.json(NetworkResource(network, version: request.version))
    }
}

extension NetworkResource {
    init(_ network: NetworkInspection, version: APIVersion) {
        self.init()
        name = network.name
        id = network.id
        created = network.created.description
        scope = network.scope
        driver = network.driver
        if version.hasEnableIPv4 { enableIPv4 = true }
        enableIPv6 = network.ipv6
        ipam.driver = "default"
        ipam.config =
            network.addresses.isEmpty
            ? []
            : network.addresses.map { address in
                var config = IPAMConfig()
                (config.subnet, config.ipRange, config.gateway) = (
                    address.subnet, address.range, address.gateway
                )
                return config
            }
        isInternal = network.isInternal
        for endpoint in network.endpoints {
            var resource = EndpointResource()
            resource.name = endpoint.containerName
            resource.endpointID = endpoint.endpointID
            resource.macAddress = endpoint.macAddress
            resource.ipv4Address = endpoint.ipv4
            resource.ipv6Address = endpoint.ipv6
            containers[endpoint.containerID] = resource
        }
        options = network.options
        labels = network.labels
    }
}
