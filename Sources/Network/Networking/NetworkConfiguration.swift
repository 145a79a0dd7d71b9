/// What a daemon instance's networks are made from: daemon.json's keys, and where the instance lives.
package struct NetworkConfiguration: Sendable {
    /// A pool that networks without a subnet of their own are cut from (`default-address-pools`).
    package struct AddressPool: Sendable, Hashable {
        package var base: AddressBlock
        /// The prefix length of the networks cut from it.
        package var size: Int

        package init(base: AddressBlock, size: Int) {
            self.base = base
            self.size = size
        }
    }

    /// Names the nftables table and tells the daemons of one host apart: letters, digits, `_` and `-`.
    package var instance: String
    /// Durable: the ids of the networks. Made when missing.
    package var stateDirectory: String
    /// Gone with a reboot: the control socket of `skiff-net`. Made when missing.
    package var runDirectory: String
    /// The `skiff-net` executable; nil leaves IPv6 clients of containers without IPv6 unserved.
    package var forwarderPath: String?
    /// Names the servers that containers of user-defined networks are answered from.
    package var resolverFile = "/etc/resolv.conf"

    /// `bridge`: the default bridge's interface; nil is `"bridge": "none"`, no default bridge network.
    package var bridgeName: String? = "skiff0"
    /// `bip`: the default bridge's own address and its subnet.
    package var bridgeAddress: AddressBlock?
    /// `bip6`.
    package var bridgeAddressV6: AddressBlock?
    /// `fixed-cidr`: the part of the subnet that containers get addresses from.
    package var fixedCIDR: AddressBlock?
    /// `fixed-cidr-v6`: the default bridge's IPv6 subnet; needed for `ipv6` unless `bip6` is given.
    package var fixedCIDRv6: AddressBlock?
    /// `default-gateway`: another gateway than the bridge for the containers of the default bridge.
    package var defaultGateway: IPv4Address?
    /// `default-gateway-v6`.
    package var defaultGatewayV6: IPv6Address?
    /// `mtu`: bytes; nil leaves the kernel's 1500.
    package var mtu: Int?
    /// `icc`: whether the containers of the default bridge may reach each other.
    package var interContainerCommunication = true
    /// `ip-masq`: whether containers leave the host under its address.
    package var masquerade = true
    /// `ip-forward`: whether the daemon turns the kernel's forwarding on.
    package var forwarding = true
    /// `ip`: where ports are published when a request names no host address; nil is every address.
    package var hostBindingAddress: IPAddress?
    /// `ipv6`: whether the default bridge has IPv6.
    package var ipv6 = false
    /// Whether `iptables` is to show the published ports and users' rules in `DOCKER-USER` are followed, as where the
    /// instance stands in for Docker.
    package var mirrorsIptables = false
    /// `default-address-pools`; empty means Docker's own.
    package var addressPools: [AddressPool] = []

    package init(instance: String, stateDirectory: String, runDirectory: String, forwarderPath: String? = nil)
    {
        self.instance = instance
        self.stateDirectory = stateDirectory
        self.runDirectory = runDirectory
        self.forwarderPath = forwarderPath
    }
}
