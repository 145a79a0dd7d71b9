import Engine
import JSONCodec

/// The keys of the default bridge and of name resolution.
enum BridgeOptions {
    static func read(_ reader: OptionReader, into engine: inout EngineConfiguration) throws(OptionError) {
        var bridge = BridgeConfiguration()
        bridge.name = try reader.string("bridge") ?? (engine.isDropIn ? "docker0" : "skiff0")
        guard bridge.name.utf8.count <= 15 else {
            throw OptionError(
                "bridge: \"\(bridge.name)\" is longer than the 15 bytes that a link's name may have")
        }
        bridge.address = try reader.string("bip") ?? ""
        bridge.fixedRange = try reader.string("fixed-cidr") ?? ""
        bridge.fixedRangeV6 = try reader.string("fixed-cidr-v6") ?? ""
        bridge.defaultGateway = try reader.string("default-gateway") ?? ""
        bridge.addressPools = try reader.pools("default-address-pools")
        let mtu = try reader.integer("mtu", 0...65535) ?? 0
        if mtu > 0 { bridge.mtu = mtu }
        bridge.interContainerCommunication = try reader.bool("icc") ?? true
        bridge.defaultHostAddress = try reader.string("ip") ?? "0.0.0.0"
        bridge.ipForward = try reader.bool("ip-forward") ?? true
        bridge.ipMasquerade = try reader.bool("ip-masq") ?? true
        for key in ["iptables", "ip6tables"] where try reader.bool(key) == false {
            throw OptionError(
                "\(key): bridges without Skiff's own rules are not built yet: leave it true, or use --bridge none"
            )
        }
        try reader.only("firewall-backend", ["nftables"])
        bridge.ipv6 = try reader.bool("ipv6") ?? false
        engine.bridge = bridge
        engine.dns.servers = try reader.strings("dns") ?? []
        engine.dns.options = try reader.strings("dns-opts") ?? []
        engine.dns.search = try reader.strings("dns-search") ?? []
    }
}
