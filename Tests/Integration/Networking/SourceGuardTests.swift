import Glibc
import LinuxKernel
import Networking
import Testing

/// Containers that send under addresses that are not theirs.
@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct SourceGuardTests {
    /// Takes an address, and the MAC where one is given, as a program with CAP_NET_ADMIN would.
    private func pose(_ container: TestContainer, as address: String, mac: String? = nil) throws {
        if let mac { try container.namespace.shell("ip link set eth0 address \(mac)") }
        try container.namespace.shell("ip addr add \(address)/32 dev eth0")
    }

    @Test(arguments: [0, 1])
    func nobodySendsUnderAnothersAddress(netfilter: Int) throws {
        let host = try Host()
        try host.namespace.setting("bridge/bridge-nf-call-iptables", "\(netfilter)")
        let instance = try host.start(host.configuration())
        let web = try instance.container("web")
        let evil = try instance.container("evil")
        let far = try Responder("far", in: host.outside, port: 7000, hasIPv6: false)
        #expect(evil.namespace.askPatiently(.tcp, web.address, 80)?.hasPrefix("web ") == true)
        // An address that is free: its own MAC, somebody else's IP.
        try pose(evil, as: "172.17.0.99")
        try evil.namespace.shell("ip route replace \(web.address) dev eth0 src 172.17.0.99")
        #expect(evil.namespace.ask(.tcp, web.address, 80, timeout: 0.3) == nil)
        #expect(evil.namespace.ask(.udp, web.address, 80, timeout: 0.3) == nil)
        try evil.namespace.shell("ip route replace \(Host.outsideAddress) via 172.17.0.1 src 172.17.0.99")
        #expect(evil.namespace.ask(.udp, Host.outsideAddress, 7000, timeout: 0.3) == nil)
        // With its own again everything works.
        try evil.namespace.shell("ip route del \(web.address); ip route del \(Host.outsideAddress)")
        #expect(evil.namespace.askPatiently(.tcp, web.address, 80)?.hasPrefix("web ") == true)
        #expect(evil.namespace.askPatiently(.tcp, Host.outsideAddress, 7000) == "far \(Host.address)")
        // Another MAC.
        try evil.namespace.shell("ip link set eth0 address 02:42:ac:11:00:77")
        #expect(evil.namespace.ask(.tcp, web.address, 80, timeout: 0.3) == nil)
        far.stop()
        for container in [web, evil] { try container.release() }
        try instance.shutdown(removeAll: true)
        #expect(try !host.namespace.shell("nft list tables").contains("bridge"))
    }

    @Test func theGuardIsBackAfterAFlushAndARestart() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container("web")
        let evil = try instance.container("evil")
        try pose(evil, as: "172.17.0.99")
        try evil.namespace.shell("ip route replace \(web.address) dev eth0 src 172.17.0.99")
        try host.namespace.shell("nft flush ruleset")
        #expect(try eventually { try host.namespace.shell("nft list tables").contains("bridge sktest") })
        #expect(evil.namespace.ask(.tcp, web.address, 80, timeout: 0.3) == nil)
        try instance.shutdown(removeAll: false)
        let next = try host.start(host.configuration(), existing: [web.endpoint, evil.endpoint])
        #expect(evil.namespace.ask(.tcp, web.address, 80, timeout: 0.3) == nil)
        try next.shutdown(removeAll: true)
    }

    private func eventually(_ condition: () throws -> Bool) throws -> Bool {
        for _ in 0..<200 {
            if try condition() { return true }
            usleep(50_000)
        }
        return false
    }

    @Test func whoHasToRouteForOthersIsAllowedTo() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        var request = NetworkRequest(name: "lab")
        request.options["skiff.allow_spoofing"] = "true"
        let (controller, wanted) = (instance.controller, request)
        let record = try host.namespace.run { try controller.create(wanted) }
        let subnet = try #require(record.subnets.first)
        let free = String("\(subnet)".prefix { $0 != "/" }.dropLast()) + "99"
        let web = try instance.container("web", network: "lab")
        let router = try instance.container("router", network: "lab")
        try pose(router, as: free)
        try router.namespace.shell("ip route replace \(web.address) dev eth0 src \(free)")
        #expect(router.namespace.askPatiently(.tcp, web.address, 80) == "web \(free)")
        try instance.shutdown(removeAll: true)
    }
}
