import LinuxKernel

/// Decides what the default bridge is: from daemon.json, else from what it has, else from a subnet that nobody uses.
struct DefaultBridge {
    let configuration: NetworkConfiguration
    let routes: RouteClient

    /// - Parameter inUse: the subnets of other networks
    func settings(_ name: String, inUse: [AddressBlock]) throws(NetworkError) -> BridgeSettings {
        do {
            let found = try routes.link(name).map { link throws(SystemCallError) in
                try routes.blocks(of: link)
            }
            let address = try chooseAddress(found ?? [], inUse)
            let addressV6 = try chooseAddressV6(found ?? [])
            var settings = BridgeSettings(name: name, addresses: [address] + (addressV6.map { [$0] } ?? []))
            settings.mtu = configuration.mtu
            settings.interContainerCommunication = configuration.interContainerCommunication
            settings.masquerade = configuration.masquerade
            return settings
        } catch let error as NetworkError {
            throw error
        } catch {
            throw NetworkError(.kernel, "cannot set up the bridge \(name): \(error)", cause: error)
        }
    }

    private func chooseAddress(_ found: [AddressBlock], _ inUse: [AddressBlock]) throws -> AddressBlock {
        if let wanted = configuration.bridgeAddress { return wanted }
        if let present = found.first(where: { $0.address.isIPv4 }) { return present }
        let subnet = try SubnetChoice.firstFree(
            of: configuration.poolsV4, inUse: try routes.blocksInUse() + inUse)
        if let fixed = configuration.fixedCIDR, !subnet.contains(fixed.first) {
            return try SubnetChoice.firstHost(fixed.network)
        }
        return try SubnetChoice.firstHost(subnet)
    }

    private func chooseAddressV6(_ found: [AddressBlock]) throws -> AddressBlock? {
        guard configuration.ipv6 else { return nil }
        if let wanted = configuration.bridgeAddressV6 { return wanted }
        if let subnet = configuration.fixedCIDRv6 { return try SubnetChoice.firstHost(subnet.network) }
        let present = found.first {
            if case .v6(let address) = $0.address { !address.isLinkLocal } else { false }
        }
        if let present { return present }
        throw NetworkError(
            .invalidConfiguration,
            "ipv6 is on but the default bridge has no IPv6 subnet: set fixed-cidr-v6 (or bip6) as well")
    }
}

extension NetworkConfiguration {
    /// Docker's own pools where none are configured.
    var poolsV4: [AddressPool] {
        let own = addressPools.filter { $0.base.address.isIPv4 }
        return own.isEmpty ? SubnetChoice.defaultPools : own
    }
}

extension NetworkRecord {
    /// Fills in what `network inspect bridge` shows of the default bridge.
    mutating func describe(_ bridge: BridgeSettings, _ configuration: NetworkConfiguration) {
        ipamConfigurations = bridge.addresses.map { address in
            let isIPv4 = address.address.isIPv4
            let other =
                isIPv4
                ? configuration.defaultGateway.map(IPAddress.v4)
                : configuration.defaultGatewayV6.map(IPAddress.v6)
            let range = isIPv4 ? configuration.fixedCIDR : configuration.fixedCIDRv6
            return AddressConfiguration(
                subnet: address.network, ipRange: range?.network, gateway: other ?? address.address)
        }
        enableIPv6 = bridge.address(isIPv4: false) != nil
        let prefix = BridgeOption.prefix
        options = [
            prefix + "default_bridge": "true",
            prefix + "enable_icc": "\(configuration.interContainerCommunication)",
            prefix + "enable_ip_masquerade": "\(configuration.masquerade)",
            prefix + "host_binding_ipv4": configuration.hostBindingAddress?.description ?? "0.0.0.0",
            prefix + "name": bridge.name,
            BridgeOption.mtu: "\(bridge.mtu ?? 1500)",
        ]
    }
}
