import OCIModel
import Testing

@testable import Networking

struct GatewayChoiceTests {
    private func endpoint(_ name: String, v4: Bool = true, v6: Bool = false, gateway: Bool = true) throws
        -> Endpoint
    {
        let record = NetworkRecord(name: name, id: "id-\(name)", created: .zero, driver: .bridge)
        var endpoint = Endpoint(id: name, containerID: "c", containerName: "c", network: record)
        let four = try #require(IPv4Address("10.0.0.1"))
        let six = try #require(IPv6Address("fd00::1"))
        if v4 { endpoint.ipv4 = .init(address: four, prefixLength: 8, gateway: gateway ? four : nil) }
        if v6 { endpoint.ipv6 = .init(address: six, prefixLength: 64, gateway: gateway ? six : nil) }
        return endpoint
    }

    @Test func theFirstByNameLeadsOutUnlessAnotherHasAHigherPriority() throws {
        var endpoints = [try endpoint("b"), try endpoint("a"), try endpoint("c")]
        GatewayChoice.mark(&endpoints, priorities: [:])
        #expect(endpoints.map(\.defaultRoutes) == [[], .ipv4, []])
        GatewayChoice.mark(&endpoints, priorities: ["id-c": 1])
        #expect(endpoints.map(\.defaultRoutes) == [[], [], .ipv4])
        GatewayChoice.mark(&endpoints, priorities: ["id-a": -1])
        #expect(endpoints.map(\.defaultRoutes) == [.ipv4, [], []])
    }

    @Test func familiesAreChosenApartAndWhatHasNoGatewayLeadsNowhere() throws {
        var endpoints = [
            try endpoint("a"), try endpoint("b", v4: true, v6: true), try endpoint("0", gateway: false),
        ]
        GatewayChoice.mark(&endpoints, priorities: [:])
        #expect(endpoints.map(\.defaultRoutes) == [.ipv4, .ipv6, []])
    }

    @Test func portsThatMoveAskForTheSameNumbers() {
        let ports = [
            PublishedPort(containerPort: 80, transport: .tcp, hostAddress: .v4(.any), hostPort: 8080),
            PublishedPort(containerPort: 80, transport: .tcp, hostAddress: .v6(.any), hostPort: 8080),
            PublishedPort(containerPort: 53, transport: .udp, hostAddress: .v4(.loopback), hostPort: 5353),
        ]
        #expect(
            PortRequest.same(as: ports) == [
                PortRequest(containerPort: 80, hostPorts: 8080...8080),
                PortRequest(
                    containerPort: 53, transport: .udp, hostAddress: .v4(.loopback), hostPorts: 5353...5353),
            ])
    }
}
