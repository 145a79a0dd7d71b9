import LinuxKernel
import Networking
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct IsolationTests {
    @Test(arguments: [0, 1])
    func containersOfAnotherBridgeAndHostsThatRouteDirectlyStayOut(netfilter: Int) throws {
        let host = try Host()
        try host.namespace.setting("bridge/bridge-nf-call-iptables", "\(netfilter)")
        let first = try host.start(host.configuration("one", bridge: "skt1"))
        let second = try host.start(host.configuration("two", bridge: "skt2"))
        let web = try first.container("web", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
        let other = try second.container("other")
        #expect(web.address != other.address)
        // Unpublished: neither from the other bridge nor from outside with a route.
        #expect(other.namespace.ask(.tcp, web.address, 80, timeout: 0.3) == nil)
        try host.outside.shell("ip route add \(web.address) via \(Host.address)")
        #expect(host.outside.ask(.tcp, web.address, 80, timeout: 0.3) == nil)
        // Published, each works, and the instances do not disturb each other.
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) == "web \(Host.outsideAddress)")
        #expect(other.namespace.askPatiently(.tcp, Host.address, 8080)?.hasPrefix("web ") == true)
        try second.shutdown(removeAll: false)
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) == "web \(Host.outsideAddress)")
        try first.shutdown(removeAll: true)
    }

    @Test func containersLeaveUnderTheHostsAddressUnlessToldOtherwise() throws {
        let host = try Host()
        let responder = try Responder("far", in: host.outside, port: 7000, hasIPv6: false)
        let instance = try host.start(host.configuration())
        let web = try instance.container("web")
        #expect(web.namespace.askPatiently(.tcp, Host.outsideAddress, 7000) == "far \(Host.address)")
        #expect(web.namespace.askPatiently(.udp, Host.outsideAddress, 7000) == "far \(Host.address)")
        try web.release()
        try instance.shutdown(removeAll: true)

        var configuration = host.configuration()
        configuration.masquerade = false
        let plain = try host.start(configuration)
        let routed = try plain.container("web")
        try host.outside.shell("ip route add 172.17.0.0/16 via \(Host.address)")
        #expect(routed.namespace.askPatiently(.tcp, Host.outsideAddress, 7000) == "far \(routed.address)")
        responder.stop()
        try plain.shutdown(removeAll: true)
    }

    @Test(arguments: [0, 1])
    func withoutInterContainerCommunicationOnlyPublishedPortsAreReached(netfilter: Int) throws {
        let host = try Host()
        try host.namespace.setting("bridge/bridge-nf-call-iptables", "\(netfilter)")
        var configuration = host.configuration()
        configuration.interContainerCommunication = false
        let instance = try host.start(configuration)
        let web = try instance.container(
            "web", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
        let other = try instance.container("other")
        #expect(other.namespace.ask(.tcp, web.address, 80, timeout: 0.3) == nil)
        // By the gateway instead of by the neighbour.
        let gateway = web.endpoint.ipv4?.gateway?.description ?? ""
        try other.namespace.shell("ip route add \(web.address) via \(gateway)")
        #expect(other.namespace.ask(.tcp, web.address, 80, timeout: 0.3) == nil)
        try other.namespace.shell("ip route del \(web.address)")
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) == "web \(Host.outsideAddress)")
        #expect(other.namespace.askPatiently(.tcp, Host.address, 8080, seconds: 1)?.hasPrefix("web ") == true)
        #expect(web.namespace.askPatiently(.tcp, Host.address, 8080, seconds: 1)?.hasPrefix("web ") == true)
        try instance.shutdown(removeAll: true)
    }

    /// The bridge routes 127/8 for the sake of localhost; nobody else may use that.
    @Test func theHostsLoopbackIsNotReachedFromContainersOrFromOutside() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container(
            "web",
            ports: [
                PortRequest(containerPort: 80, hostAddress: .v4(.loopback), hostPorts: 8080...8080)
            ])
        let secret = try Responder("secret", in: host.namespace, port: 7001, hasIPv6: false)
        let gateway = web.endpoint.ipv4?.gateway?.description ?? ""
        // A hostile neighbour sends 127.0.0.1 over the wire.
        for (namespace, device, next) in [
            (web.namespace, "eth0", gateway), (host.outside, "eth0", Host.address),
        ] {
            try namespace.setting("ipv4/conf/all/route_localnet", "1")
            try namespace.shell("ip addr flush dev lo; ip route add 127.0.0.1 via \(next) dev \(device)")
            #expect(namespace.ask(.tcp, "127.0.0.1", 7001, timeout: 0.3) == nil)
            #expect(namespace.ask(.udp, "127.0.0.1", 7001, timeout: 0.3) == nil)
            #expect(namespace.ask(.tcp, "127.0.0.1", 8080, timeout: 0.3) == nil)
        }
        #expect(host.namespace.ask(.tcp, "127.0.0.1", 7001) == "secret 127.0.0.1")
        #expect(host.namespace.askPatiently(.tcp, "127.0.0.1", 8080) == "web \(gateway)")
        #expect(host.outside.ask(.tcp, Host.address, 8080, timeout: 0.3) == nil)
        secret.stop()
        try instance.shutdown(removeAll: true)
    }
}
