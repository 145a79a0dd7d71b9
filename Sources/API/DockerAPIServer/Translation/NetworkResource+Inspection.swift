import DockerAPI
import Engine
import OCIModel

extension NetworkResource {
    init(_ network: NetworkInspection, version: APIVersion) {
        self.init()
        name = network.name
        id = network.id
        created = network.created.description
        scope = network.scope
        driver = network.driver
        if version.hasEnableIPv4 { enableIPv4 = network.ipv4 }
        enableIPv6 = network.ipv6
        ipam.driver = network.ipamDriver
        ipam.options = network.ipamOptions
        ipam.config = network.addresses.map(IPAMConfig.init)
        isInternal = network.isInternal
        attachable = network.attachable
        ingress = network.ingress
        configOnly = network.configOnly
        configFrom.network = network.configFrom
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

extension IPAMConfig {
    init(_ pool: NetworkInspection.AddressConfiguration) {
        self.init()
        subnet = pool.subnet
        ipRange = pool.range
        gateway = pool.gateway
        auxiliaryAddresses = pool.auxiliary
    }
}
