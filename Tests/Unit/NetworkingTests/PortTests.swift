import Netlink
import Testing

@testable import Networking

@Suite struct PortTests {
    @Test func bindingsOfTheAPIAreRead() throws {
        let plain = try PortRequest(port: "80/tcp", hostIP: "", hostPort: "8080")
        #expect(plain == PortRequest(containerPort: 80, hostPorts: 8080...8080))
        #expect(
            try PortRequest(port: "53/udp", hostIP: "127.0.0.1", hostPort: "")
                == PortRequest(containerPort: 53, transport: .udp, hostAddress: .v4(.loopback)))
        #expect(try PortRequest(port: "80", hostIP: "::", hostPort: "0").hostPorts == nil)
        #expect(try PortRequest(port: "80/sctp", hostIP: "", hostPort: "1-3").hostPorts == 1...3)
    }

    @Test(arguments: [
        ("", "", ""), ("0/tcp", "", ""), ("80/icmp", "", ""), ("80/tcp/x", "", ""), ("70000", "", ""),
        ("80", "1.2.3", ""), ("80", "", "x"), ("80", "", "9-8"), ("80", "", "1-2-3"), ("80", "", "65536"),
    ])
    func bindingsThatAreNoneAreRefused(port: String, address: String, hostPort: String) {
        #expect(throws: NetworkError.self) {
            try PortRequest(port: port, hostIP: address, hostPort: hostPort)
        }
    }

    @Test func everyAddressConflictsWithEachOfItsFamilyOnly() {
        let claims = PortClaims(ephemeral: 100...102)
        func claim(_ address: IPAddress, _ name: String) -> String? {
            claims.claim([address], port: 80, transport: .tcp, endpoint: name, container: name)?.container
        }
        #expect(claim(.v4(.any), "a") == nil)
        #expect(claim(.v4(.loopback), "b") == "a")
        #expect(claim(.v6(.any), "c") == nil)
        #expect(claim(.v6(.loopback), "d") == "c")
        claims.release([.v4(.any)], port: 80, transport: .tcp, endpoint: "a")
        #expect(claim(.v4(.loopback), "b") == nil)
        #expect(claim(.v4(.any), "e") == "b")
        #expect(claims.claim([.v4(.any)], port: 80, transport: .udp, endpoint: "f", container: "f") == nil)
    }

    @Test func randomPortsGoOnWhereTheLastSearchEnded() {
        let claims = PortClaims(ephemeral: 100...102)
        #expect(Array(claims.ephemeralCandidates(.tcp)) == [100, 101, 102])
        claims.tookEphemeral(100, .tcp)
        #expect(Array(claims.ephemeralCandidates(.tcp)) == [101, 102, 100])
        #expect(Array(claims.ephemeralCandidates(.udp)) == [100, 101, 102])
        claims.tookEphemeral(102, .tcp)
        #expect(Array(claims.ephemeralCandidates(.tcp)) == [100, 101, 102])
    }

    @Test func aFirewallElementIsWrittenWithPaddedParts() {
        let port = FirewallModel.Port(
            hostAddress: .v4(IPv4Address(0xc633_6401)), hostPort: 8080, transport: .tcp,
            containerAddress: .v4(IPv4Address(0xac11_0002)), containerPort: 80)
        let elements = FirewallModel.elements(of: [port])
        #expect(elements.map(\.set) == ["published4"])
        #expect(elements[0].elements[0].key == [198, 51, 100, 1, 6, 0, 0, 0, 0x1f, 0x90, 0, 0])
        #expect(elements[0].elements[0].value == [172, 17, 0, 2, 0, 80, 0, 0])
    }
}
