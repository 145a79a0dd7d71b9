import DockerAPI
import Engine

extension NetworkSettings {
    init(_ inspection: ContainerInspection, version: APIVersion) {
        self.init()
        let network = inspection.network
        sandboxID = network.sandboxID
        sandboxKey = network.sandboxKey
        ports = [:]
        for port in network.ports {
            ports?[port.port.text] = .some(port.bindings.isEmpty ? nil : port.bindings.map(PortBinding.init))
        }
        networks = EndpointSettings.byName(inspection, version: version)
        // Older tools read the default bridge's values here.
        if let bridge = networks?["bridge"] {
            endpointID = bridge.endpointID
            gateway = bridge.gateway
            globalIPv6Address = bridge.globalIPv6Address
            globalIPv6PrefixLen = Int(bridge.globalIPv6PrefixLen)
            ipAddress = bridge.ipAddress
            ipPrefixLen = bridge.ipPrefixLen
            ipv6Gateway = bridge.ipv6Gateway
            macAddress = bridge.macAddress
        }
    }
}

extension EndpointSettings {
    static func byName(_ inspection: ContainerInspection, version: APIVersion) -> [String: EndpointSettings] {
        var settings: [String: EndpointSettings] = [:]
        for endpoint in inspection.network.endpoints {
            let asked = inspection.spec.network.endpoints.first { $0.network == endpoint.networkName }
            settings[endpoint.networkName] = EndpointSettings(
                endpoint, asked: asked, shortID: String(inspection.id.prefix(12)), version: version)
        }
        return settings
    }

    init(_ state: EndpointState, asked: NetworkConnection?, shortID: String, version: APIVersion) {
        self.init()
        ipamConfig = asked.flatMap(EndpointIPAMConfig.init)
        links = asked.flatMap { $0.links.isEmpty ? nil : $0.links }
        aliases = state.aliases.isEmpty ? nil : state.aliases
        if version.aliasesHoldShortID, state.dnsNames.contains(shortID) {
            aliases = (aliases ?? []) + [shortID]
        }
        driverOpts = asked.flatMap {
            $0.driverOptions.isEmpty && !$0.statesDriverOptions ? nil : $0.driverOptions
        }
        if version.hasDescriptors { gwPriority = asked?.gatewayPriority ?? 0 }
        macAddress = state.macAddress
        networkID = state.networkID
        endpointID = state.endpointID
        gateway = state.gateway
        ipAddress = state.ipv4Address
        ipPrefixLen = state.ipv4PrefixLength
        ipv6Gateway = state.ipv6Gateway
        globalIPv6Address = state.ipv6Address
        globalIPv6PrefixLen = Int64(state.ipv6PrefixLength)
        if version.hasDNSNames { dnsNames = NullableValue(state.dnsNames.isEmpty ? nil : state.dnsNames) }
    }
}

extension EndpointSettings {
    /// Without names and options: lists of containers do not tell them.
    var listed: EndpointSettings {
        var listed = self
        (listed.links, listed.aliases, listed.driverOpts) = (nil, nil, nil)
        if dnsNames != nil { listed.dnsNames = NullableValue(nil) }
        return listed
    }
}

extension EndpointIPAMConfig {
    /// nil where no address was asked for.
    fileprivate init?(_ asked: NetworkConnection) {
        self.init()
        ipv4Address = asked.ipv4Address
        ipv6Address = asked.ipv6Address
        linkLocalIPs = asked.linkLocalAddresses
        if isZero, !asked.statesAddresses { return nil }
    }
}
