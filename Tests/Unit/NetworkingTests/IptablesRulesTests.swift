import Testing

@testable import Networking

@Suite struct IptablesRulesTests {
    private func port(
        _ host: String, _ hostPort: UInt16, _ transport: TransportProtocol, _ container: String,
        _ port: UInt16
    ) throws -> FirewallModel.Port {
        FirewallModel.Port(
            hostAddress: try #require(IPAddress(host)), hostPort: hostPort, transport: transport,
            containerAddress: try #require(IPAddress(container)), containerPort: port)
    }

    @Test func publishedPortsAreOneRuleEachByFamily() throws {
        var model = FirewallModel()
        model.ports["b"] = [
            try port("0.0.0.0", 8080, .tcp, "172.17.0.2", 80), try port("::", 8080, .tcp, "fd00::2", 80),
        ]
        model.ports["a"] = [try port("192.0.2.1", 53, .udp, "172.17.0.3", 53)]
        #expect(
            IptablesRules(isIPv4: true).ports(model) == """
                *nat
                :DOCKER - [0:0]
                -A DOCKER -d 192.0.2.1/32 -p udp -m udp --dport 53 -j DNAT --to-destination 172.17.0.3:53
                -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
                COMMIT

                """)
        #expect(
            IptablesRules(isIPv4: false).ports(model) == """
                *nat
                :DOCKER - [0:0]
                -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination [fd00::2]:80
                COMMIT

                """)
    }

    @Test func theUsersChainIsMadeOnceAndItsRulesStay() {
        let rules = IptablesRules(isIPv4: true)
        #expect(
            rules.userChain(missingIn: "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n") == """
                *filter
                :DOCKER-USER - [0:0]
                -A DOCKER-USER -j RETURN
                -I FORWARD -j DOCKER-USER
                COMMIT

                """)
        let filled =
            "*filter\n:DOCKER-USER - [0:0]\n-A FORWARD -j LIBVIRT\n-A DOCKER-USER -s 192.0.2.9/32 -j DROP\n"
        #expect(
            rules.userChain(missingIn: filled) == "*filter\n-I FORWARD -j DOCKER-USER\nCOMMIT\n")
        #expect(rules.userChain(missingIn: filled + "-A FORWARD -j DOCKER-USER\n") == nil)
    }
}
