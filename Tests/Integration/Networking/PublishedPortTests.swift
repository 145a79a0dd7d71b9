import LinuxKernel
import Networking
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct PublishedPortTests {
    /// Bridged packets may or may not pass the rules (br_netfilter); nothing may depend on it.
    static let kinds: [(netfilter: Int, ipv6: Bool)] = [(0, false), (1, false), (0, true), (1, true)]

    @Test(arguments: kinds)
    func publishedPortsAreReachedFromEverywhereAndKeepTheClientsAddress(netfilter: Int, ipv6: Bool) throws {
        try #require(Host.forwarder != nil, "build the product skiff-net first")
        let host = try Host()
        try host.namespace.setting("bridge/bridge-nf-call-iptables", "\(netfilter)")
        try host.namespace.setting("bridge/bridge-nf-call-ip6tables", "\(netfilter)")
        var configuration = host.configuration()
        if ipv6 {
            configuration.ipv6 = true
            configuration.fixedCIDRv6 = AddressBlock("fd00:5::/64")
        }
        let instance = try host.start(configuration)
        let web = try instance.container(
            "web",
            ports: [
                PortRequest(containerPort: 80, transport: .tcp, hostPorts: 8080...8080),
                PortRequest(containerPort: 80, transport: .udp, hostPorts: 8080...8080),
            ])
        let other = try instance.container("other")
        let gateway = web.endpoint.ipv4?.gateway?.description ?? ""
        for transport in [TransportProtocol.tcp, .udp] {
            func check(_ from: Namespace, _ address: String, expect source: String?, _ what: Comment) {
                let answer = from.askPatiently(transport, address, 8080, seconds: 2)
                if let source {
                    #expect(answer == "web \(source)", what)
                } else {
                    #expect(answer?.hasPrefix("web ") == true, what)
                }
            }
            let outside = host.outside
            check(outside, Host.address, expect: Host.outsideAddress, "outside, v4 \(transport)")
            check(
                outside, Host.addressV6, expect: ipv6 ? Host.outsideAddressV6 : gateway,
                "outside, v6 \(transport)")
            check(host.namespace, "127.0.0.1", expect: gateway, "localhost, v4 \(transport)")
            check(host.namespace, "::1", expect: nil, "localhost, v6 \(transport)")
            check(host.namespace, Host.address, expect: nil, "the host's own address, v4 \(transport)")
            check(host.namespace, Host.addressV6, expect: nil, "the host's own address, v6 \(transport)")
            check(other.namespace, Host.address, expect: nil, "another container, v4 \(transport)")
            check(web.namespace, Host.address, expect: nil, "the container itself, v4 \(transport)")
            check(web.namespace, gateway, expect: nil, "the container itself by its gateway \(transport)")
            if ipv6 {
                check(other.namespace, Host.addressV6, expect: nil, "another container, v6 \(transport)")
                check(web.namespace, Host.addressV6, expect: nil, "the container itself, v6 \(transport)")
            }
            #expect(other.namespace.askPatiently(transport, web.address, 80) == "web \(other.address)")
        }
        try web.release()
        try other.release()
        for transport in [TransportProtocol.tcp, .udp] {
            #expect(host.outside.ask(transport, Host.address, 8080, timeout: 0.2) == nil)
        }
        try instance.shutdown(removeAll: true)
    }
}
