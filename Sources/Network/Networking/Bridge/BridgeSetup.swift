import LinuxKernel
import Logging
import Netlink

/// A bridge that stands, with its own addresses.
struct BridgeInterface: Sendable, Hashable {
    var name: String
    var index: Int32
    var address: AddressBlock
    var addressV6: AddressBlock?
    var mtu: Int?
}

/// Makes the default bridge, or takes over the one that the last daemon or the administrator left.
struct BridgeSetup {
    let configuration: NetworkConfiguration
    let routes: RouteClient
    let logger: Logger

    func run(_ name: String) throws(NetworkError) -> BridgeInterface {
        do {
            let existing = try routes.link(name)
            if let existing, existing.kind != "bridge" {
                throw NetworkError(
                    .invalidConfiguration,
                    "the interface \(name) exists and is no bridge: choose another name with --bridge")
            }
            let found = try existing.map { link throws(SystemCallError) in try addresses(of: link) } ?? []
            let address = try chooseAddress(name, found: found)
            let addressV6 = try chooseAddressV6(found: found)
            if existing == nil {
                let hardware = MACAddress.random().bytes
                try routes.perform { $0.createBridge(name, address: hardware, mtu: configuration.mtu) }
            }
            guard let link = try routes.link(name) else {
                throw NetworkError(.kernel, "the bridge \(name) disappeared while it was set up")
            }
            try bringUp(link, [address] + (addressV6.map { [$0] } ?? []), found: found)
            try applySettings(name, isIPv6: addressV6 != nil)
            return BridgeInterface(
                name: name, index: link.index, address: address, addressV6: addressV6, mtu: configuration.mtu)
        } catch let error as SystemCallError {
            throw NetworkError(.kernel, "cannot set up the bridge \(name): \(error)", cause: error)
        } catch let error as NetworkError {
            throw error
        } catch {
            throw NetworkError(.kernel, "cannot set up the bridge \(name): \(error)", cause: error)
        }
    }

    private func addresses(of link: Link) throws(SystemCallError) -> [AddressBlock] {
        try routes.addresses().filter { $0.interface == link.index }.compactMap { found in
            IPAddress(bytes: found.address).flatMap { AddressBlock($0, prefixLength: found.prefixLength) }
        }
    }

    /// The configured address, else the one that the bridge has, else the first of a subnet that nobody uses.
    private func chooseAddress(_ name: String, found: [AddressBlock]) throws -> AddressBlock {
        if let wanted = configuration.bridgeAddress { return wanted }
        if let present = found.first(where: { $0.address.isIPv4 }) { return present }
        let hosts = try routes.addresses().compactMap { found in
            IPAddress(bytes: found.address).flatMap { AddressBlock($0, prefixLength: found.prefixLength) }
        }
        let pools = configuration.addressPools.filter { $0.base.address.isIPv4 }
        let subnet = try SubnetChoice.firstFree(
            of: pools.isEmpty ? SubnetChoice.defaultPools : pools, inUse: try routes.routedSubnets() + hosts)
        if let fixed = configuration.fixedCIDR, !subnet.contains(fixed.first) {
            return try firstHost(fixed.network)
        }
        return try firstHost(subnet)
    }

    private func chooseAddressV6(found: [AddressBlock]) throws -> AddressBlock? {
        guard configuration.ipv6 else { return nil }
        if let wanted = configuration.bridgeAddressV6 { return wanted }
        if let subnet = configuration.fixedCIDRv6 { return try firstHost(subnet.network) }
        let present = found.first {
            if case .v6(let address) = $0.address { !address.isLinkLocal } else { false }
        }
        if let present { return present }
        throw NetworkError(
            .invalidConfiguration,
            "ipv6 is on but the default bridge has no IPv6 subnet: set fixed-cidr-v6 (or bip6) as well")
    }

    private func firstHost(_ subnet: AddressBlock) throws -> AddressBlock {
        let address = subnet.address.with(number: subnet.first.number + 1)
        guard let block = AddressBlock(address, prefixLength: subnet.prefixLength), subnet.contains(address)
        else {
            throw NetworkError(
                .invalidConfiguration, "the subnet \(subnet) has no room for a bridge's address")
        }
        return block
    }

    private func bringUp(
        _ link: Link, _ wanted: [AddressBlock], found: [AddressBlock]
    ) throws(SystemCallError) {
        try routes.perform { batch in
            // Another address of the same family would stay the one that containers' answers come from.
            for old in found where !wanted.contains(old) {
                if case .v6(let address) = old.address, address.isLinkLocal { continue }
                guard wanted.contains(where: { $0.address.isIPv4 == old.address.isIPv4 }) else { continue }
                batch.removeAddress(
                    InterfaceAddress(
                        interface: link.index, address: old.address.bytes, prefixLength: old.prefixLength))
            }
            for address in wanted where !found.contains(address) {
                let new = InterfaceAddress(
                    interface: link.index, address: address.address.bytes, prefixLength: address.prefixLength)
                batch.addAddress(new, broadcast: address.address.isIPv4 ? address.last.bytes : nil)
            }
            if let mtu = configuration.mtu, mtu != Int(link.mtu) {
                batch.setMTU(link.index, name: link.name, mtu: mtu)
            }
            batch.setLinkUp(link.index, name: link.name)
        }
    }

    private func applySettings(_ bridge: String, isIPv6: Bool) throws(SystemCallError) {
        if configuration.forwarding {
            try set("net/ipv4/ip_forward", "1")
            if isIPv6 { try set("net/ipv6/conf/all/forwarding", "1") }
        }
        // Lets a connection to 127.0.0.1:port leave by the bridge; the table drops what comes the other way.
        try set("net/ipv4/conf/\(bridge)/route_localnet", "1")
        if isIPv6 { try set("net/ipv6/conf/\(bridge)/accept_ra", "0") }
    }

    private func set(_ name: String, _ value: String) throws(SystemCallError) {
        let path = "/proc/sys/\(name)"
        let content = try readFile(path)
        // Read-only /proc/sys is no failure where the value is right already.
        if String(decoding: content, as: UTF8.self).split(whereSeparator: \.isWhitespace).first == value[...]
        {
            return
        }
        try writeControlFile(path, value)
    }
}
