import Glibc
import LinuxKernel
import Logging
import Networking
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct ConfigurationTests {
    @Test func aSubnetThatTheHostRoutesIsLeftAlone() throws {
        let host = try Host()
        try host.namespace.shell("ip route add 172.17.0.0/16 via \(Host.outsideAddress)")
        try host.namespace.shell("ip address add 172.18.5.5/24 dev up0")
        let instance = try host.start(host.configuration())
        let record = try instance.controller.network("bridge")
        #expect(record.ipamConfigurations.map { "\($0.subnet)" } == ["172.19.0.0/16"])
        try instance.shutdown(removeAll: true)
    }

    @Test func everyKeyOfTheDefaultBridgeIsHonoured() throws {
        let host = try Host()
        var configuration = host.configuration()
        configuration.bridgeAddress = AddressBlock("10.9.8.1/24")
        configuration.fixedCIDR = AddressBlock("10.9.8.64/26")
        configuration.defaultGateway = IPv4Address("10.9.8.2")
        configuration.mtu = 1400
        configuration.hostBindingAddress = .v4(.loopback)
        let instance = try host.start(configuration)
        let web = try instance.container(
            "web", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
        #expect(web.address == "10.9.8.64")
        #expect(try web.namespace.shell("ip route show default").contains("default via 10.9.8.2 dev eth0"))
        #expect(try web.namespace.shell("cat /sys/class/net/eth0/mtu || ip link show eth0").contains("1400"))
        #expect(try web.namespace.shell("ip -o link show eth0").contains("02:42:0a:09:08:40"))
        #expect(web.endpoint.ports.map(\.hostAddress) == [.v4(.loopback)])
        #expect(host.namespace.askPatiently(.tcp, "127.0.0.1", 8080) == "web 10.9.8.1")
        #expect(host.outside.ask(.tcp, Host.address, 8080, timeout: 0.2) == nil)
        let record = try instance.controller.network("bridge")
        #expect(record.options["com.docker.network.driver.mtu"] == "1400")
        #expect(record.ipamConfigurations.first?.ipRange == AddressBlock("10.9.8.64/26"))
        try web.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func withoutBridgeHostAndNoneAreThere() throws {
        let host = try Host()
        var configuration = host.configuration()
        configuration.bridgeName = nil
        let instance = try host.start(configuration)
        #expect(instance.controller.networks.map(\.name) == ["host", "none"])
        #expect(throws: NetworkError.self) { try instance.allocate("web") }
        let none = try instance.container("alone", network: "none", serves: nil)
        #expect(try none.namespace.shell("ip -o address show lo").contains("127.0.0.1/8"))
        #expect(try none.namespace.shell("ip -o link | wc -l").filter(\.isNumber) == "1")
        try none.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func aContainerWithoutIPv6HasNoneBeyondItsLoopback() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container("web")
        #expect(try web.namespace.shell("ip -6 -o address show dev eth0").isEmpty)
        #expect(try web.namespace.shell("ip -6 -o address show dev lo").contains("::1/128"))
        #expect(
            try host.namespace.shell("ip -6 -o address show dev \(web.endpoint.hostInterfaceName)").isEmpty)
        try web.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func anInterfaceThatIsNoBridgeIsNotTakenOver() throws {
        let host = try Host()
        let controller = try NetworkController(
            host.configuration(bridge: "up0"), logger: Logger(label: "test"))
        let error = #expect(throws: NetworkError.self) {
            try host.namespace.run { try controller.start(existing: []) }
        }
        #expect(error?.message.contains("up0 exists and is no bridge") == true)
    }

    @Test func addressesRunOutWithAClearErrorAndNothingTaken() throws {
        let host = try Host()
        var configuration = host.configuration()
        configuration.bridgeAddress = AddressBlock("10.9.8.1/29")
        let instance = try host.start(configuration)
        let endpoints = try (0..<5).map { try instance.allocate("c\($0)") }
        #expect(Set(endpoints.compactMap(\.ipv4?.address)).count == 5)
        let error = #expect(throws: NetworkError.self) {
            try instance.allocate("more", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
        }
        #expect(error?.code == .exhausted && error?.message.contains("10.9.8.0/29") == true)
        try instance.release(endpoints[2])
        let next = try instance.allocate(
            "more", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
        #expect(next.ipv4?.address == endpoints[2].ipv4?.address)
        try instance.release(next)
        try instance.shutdown(removeAll: false)
    }
}
