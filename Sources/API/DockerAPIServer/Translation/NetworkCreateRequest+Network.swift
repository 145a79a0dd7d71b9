import DockerAPI
import Networking

extension NetworkCreateRequest {
    /// What the engine is asked for.
    /// - Parameter version: `EnableIPv4` is a member since 1.48
    func network(version: APIVersion) -> NetworkRequest {
        var request = NetworkRequest(name: name)
        request.driver = driver
        request.enableIPv4 = version.mayDisableIPv4 ? enableIPv4 ?? true : true
        request.enableIPv6 = enableIPv6 ?? false
        request.ipamDriver = ipam?.driver ?? ""
        request.ipamOptions = ipam?.options
        request.pools = (ipam?.config ?? []).map { config in
            NetworkRequest.Pool(
                subnet: config.subnet, range: config.ipRange, gateway: config.gateway,
                auxiliary: config.auxiliaryAddresses)
        }
        request.isInternal = isInternal
        request.attachable = attachable
        request.ingress = ingress
        request.configOnly = configOnly
        request.configFrom = configFrom?.network ?? ""
        request.options = options ?? [:]
        request.labels = labels ?? [:]
        return request
    }
}
