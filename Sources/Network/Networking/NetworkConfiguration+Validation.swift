extension NetworkConfiguration {
    /// Refuses what cannot work, before anything is made.
    func validate() throws(NetworkError) {
        let isName = instance.utf8.allSatisfy { byte in
            (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
                || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        }
        guard isName, (1...64).contains(instance.utf8.count) else {
            throw refusal("the instance name \(instance) is not made of letters, digits, _ and -")
        }
        if let bridgeName {
            guard Self.isInterfaceName(bridgeName) else {
                throw refusal("\(bridgeName) cannot be an interface's name (at most 15 characters)")
            }
        }
        if let mtu, !(68...65535).contains(mtu) {
            throw refusal("the mtu \(mtu) is not between 68 and 65535")
        }
        try validateAddresses()
        for pool in addressPools {
            guard pool.size >= pool.base.prefixLength, pool.size <= pool.base.address.bits else {
                throw refusal("the address pool \(pool.base) cannot be cut into networks of /\(pool.size)")
            }
        }
    }

    /// As the kernel sees it (dev_valid_name).
    static func isInterfaceName(_ name: String) -> Bool {
        (1...15).contains(name.utf8.count) && name != "." && name != ".."
            && !name.utf8.contains {
                $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":") || $0 <= 0x20 || $0 == 0x7f
            }
    }

    private func validateAddresses() throws(NetworkError) {
        if let bridgeAddress {
            guard bridgeAddress.address.isIPv4, (8...30).contains(bridgeAddress.prefixLength),
                bridgeAddress.address != bridgeAddress.first, bridgeAddress.address != bridgeAddress.last
            else {
                throw refusal("bip \(bridgeAddress) is not the address of an interface in an IPv4 subnet")
            }
            if let fixedCIDR, !bridgeAddress.network.contains(fixedCIDR.first) {
                throw refusal(
                    "fixed-cidr \(fixedCIDR) is not within the bridge's subnet \(bridgeAddress.network)")
            }
            if let gateway = defaultGateway, !bridgeAddress.network.contains(.v4(gateway)) {
                throw refusal(
                    "default-gateway \(gateway) is not within the bridge's subnet \(bridgeAddress.network)")
            }
        }
        if let bridgeAddressV6, bridgeAddressV6.address.isIPv4 {
            throw refusal("bip6 \(bridgeAddressV6) is no IPv6 address")
        }
        if let fixedCIDR, !fixedCIDR.address.isIPv4 {
            throw refusal("fixed-cidr \(fixedCIDR) is no IPv4 subnet")
        }
        if let fixedCIDRv6, fixedCIDRv6.address.isIPv4 {
            throw refusal("fixed-cidr-v6 \(fixedCIDRv6) is no IPv6 subnet")
        }
    }

    private func refusal(_ message: String) -> NetworkError { NetworkError(.invalidConfiguration, message) }
}
