import Networking

extension NetworkConfiguration {
    /// - Throws: `EngineError` naming the key of daemon.json whose value cannot be used
    init(_ configuration: EngineConfiguration) throws(EngineError) {
        self.init(
            instance: configuration.instanceName, stateDirectory: "\(configuration.dataRoot)/network",
            runDirectory: "\(configuration.execRoot)/network",
            forwarderPath: configuration.forwarderPath.isEmpty ? nil : configuration.forwarderPath)
        mirrorsIptables = configuration.isDropIn
        let bridge = configuration.bridge
        bridgeName = bridge.name == "none" ? nil : bridge.name
        bridgeAddress = try Self.block(bridge.address, "bip")
        fixedCIDR = try Self.block(bridge.fixedRange, "fixed-cidr")
        fixedCIDRv6 = try Self.block(bridge.fixedRangeV6, "fixed-cidr-v6")
        if !bridge.defaultGateway.isEmpty {
            guard let gateway = IPv4Address(bridge.defaultGateway) else {
                throw .invalid("default-gateway: \(bridge.defaultGateway) is no IPv4 address")
            }
            defaultGateway = gateway
        }
        mtu = bridge.mtu > 0 && bridge.mtu != 1500 ? bridge.mtu : nil
        interContainerCommunication = bridge.interContainerCommunication
        masquerade = bridge.ipMasquerade
        forwarding = bridge.ipForward
        ipv6 = bridge.ipv6
        if !bridge.defaultHostAddress.isEmpty, bridge.defaultHostAddress != "0.0.0.0" {
            guard let address = IPAddress(bridge.defaultHostAddress) else {
                throw .invalid("ip: \(bridge.defaultHostAddress) is no IP address")
            }
            hostBindingAddress = address
        }
        for pool in bridge.addressPools {
            guard let base = try Self.block(pool.base, "default-address-pools") else {
                throw .invalid("default-address-pools: a pool without base")
            }
            addressPools.append(.init(base: base, size: pool.size))
        }
    }

    private static func block(_ text: String, _ key: String) throws(EngineError) -> AddressBlock? {
        if text.isEmpty { return nil }
        guard let block = AddressBlock(text) else {
            throw .invalid("\(key): \(text) is no address with a prefix length, such as 172.17.0.1/16")
        }
        return block
    }
}
