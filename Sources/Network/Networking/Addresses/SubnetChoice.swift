/// Chooses the subnet of a network that was given none.
enum SubnetChoice {
    /// Docker's own pools: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in networks of 4,096 addresses. Those are
    /// 31; where they are used up 10.192.0.0/10 follows, 1,024 more of 4,096 addresses.
    static let defaultPools: [NetworkConfiguration.AddressPool] = {
        let blocks =
            (17...31).map { (IPv4Address(172 << 24 | UInt32($0) << 16), 16, 16) }
            + [(IPv4Address(192 << 24 | 168 << 16), 16, 20), (IPv4Address(10 << 24 | 192 << 16), 10, 20)]
        return blocks.compactMap { address, length, size in
            AddressBlock(.v4(address), prefixLength: length).map { .init(base: $0, size: size) }
        }
    }()

    /// The first subnet of the pools that shares no address with those in use.
    /// - Throws: `NetworkError` (`exhausted`), which names the pools
    static func firstFree(
        of pools: [NetworkConfiguration.AddressPool], inUse: [AddressBlock]
    ) throws(NetworkError) -> AddressBlock {
        for pool in pools {
            for candidate in pool.base.subnets(prefixLength: pool.size)
            where !inUse.contains(where: { $0.overlaps(candidate) }) {
                return candidate
            }
        }
        let names = pools.map { "\($0.base.network) in /\($0.size)" }.joined(separator: ", ")
        throw NetworkError(
            .exhausted,
            "no free subnet is left for a network: every one of the address pools (\(names)) overlaps a network or a "
                + "route of this host; configure default-address-pools or bip")
    }

    /// The first address of a subnet that an interface can have, with the subnet's prefix length.
    static func firstHost(_ subnet: AddressBlock) throws(NetworkError) -> AddressBlock {
        let address = subnet.address.with(number: subnet.first.number + 1)
        guard let block = AddressBlock(address, prefixLength: subnet.prefixLength), subnet.contains(address),
            !subnet.address.isIPv4 || address != subnet.last
        else {
            throw NetworkError(
                .invalidConfiguration, "the subnet \(subnet) has no room for a gateway's address")
        }
        return block
    }
}
