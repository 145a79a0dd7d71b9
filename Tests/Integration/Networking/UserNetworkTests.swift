import LinuxKernel
import Networking
import Testing

/// Networks that users make.
@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct UserNetworkTests {
    private func make(
        _ instance: Instance, _ name: String, _ change: (inout NetworkRequest) -> Void = { _ in }
    )
        throws -> NetworkRecord
    {
        var request = NetworkRequest(name: name)
        change(&request)
        let (controller, wanted) = (instance.controller, request)
        return try instance.host.namespace.run { try controller.create(wanted) }
    }

    private func remove(_ instance: Instance, _ name: String) throws {
        let controller = instance.controller
        _ = try instance.host.namespace.run { try controller.remove(name) }
    }

    private func interfaces(_ host: Host) throws -> String { try host.namespace.shell("ip -br link") }

    @Test(arguments: [0, 1], [false, true])
    func containersOfOneNetworkMeetAndThoseOfAnotherDoNot(netfilter: Int, ipv6: Bool) throws {
        let host = try Host()
        try host.namespace.setting("bridge/bridge-nf-call-iptables", "\(netfilter)")
        try host.namespace.setting("bridge/bridge-nf-call-ip6tables", "\(netfilter)")
        let instance = try host.start(host.configuration())
        _ = try make(instance, "front") { $0.enableIPv6 = ipv6 }
        _ = try make(instance, "back") { $0.enableIPv6 = ipv6 }
        let web = try instance.container("web", network: "front")
        let app = try instance.container("app", network: "front")
        let db = try instance.container("db", network: "back")
        for target in [web.address] + (ipv6 ? [web.addressV6] : []) {
            #expect(app.namespace.askPatiently(.tcp, target, 80)?.hasPrefix("web ") == true)
            #expect(app.namespace.askPatiently(.udp, target, 80)?.hasPrefix("web ") == true)
            #expect(host.namespace.askPatiently(.tcp, target, 80)?.hasPrefix("web ") == true)
            #expect(db.namespace.ask(.tcp, target, 80, timeout: 0.3) == nil)
            #expect(db.namespace.ask(.udp, target, 80, timeout: 0.3) == nil)
        }
        for container in [web, app, db] { try container.release() }
        try remove(instance, "front")
        try remove(instance, "back")
        #expect(try !interfaces(host).contains("br-"))
        try instance.shutdown(removeAll: true)
    }

    @Test(arguments: [0, 1])
    func anInternalNetworkHasNoWayOutOrIn(netfilter: Int) throws {
        let host = try Host()
        try host.namespace.setting("bridge/bridge-nf-call-iptables", "\(netfilter)")
        let far = try Responder("far", in: host.outside, port: 7000, hasIPv6: false)
        let instance = try host.start(host.configuration())
        _ = try make(instance, "inside") { $0.isInternal = true }
        let db = try instance.container(
            "db", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)], network: "inside")
        let app = try instance.container("app", network: "inside")
        #expect(db.endpoint.ports.isEmpty && db.endpoint.ipv4?.gateway == nil)
        #expect(app.namespace.askPatiently(.tcp, db.address, 80)?.hasPrefix("db ") == true)
        #expect(app.namespace.ask(.tcp, Host.outsideAddress, 7000, timeout: 0.3) == nil)
        // Even with a route of its own, and from a host that has one.
        let gateway = try #require(instance.controller.networks.last?.ipamConfigurations.first?.gateway)
        try app.namespace.shell("ip route add default via \(gateway)")
        #expect(app.namespace.ask(.tcp, Host.outsideAddress, 7000, timeout: 0.3) == nil)
        try host.outside.shell("ip route add \(db.address) via \(Host.address)")
        #expect(host.outside.ask(.tcp, db.address, 80, timeout: 0.3) == nil)
        #expect(host.namespace.askPatiently(.tcp, db.address, 80)?.hasPrefix("db ") == true)
        let other = try instance.container("other")
        #expect(other.namespace.ask(.tcp, db.address, 80, timeout: 0.3) == nil)
        #expect(other.namespace.askPatiently(.tcp, Host.outsideAddress, 7000) == "far \(Host.address)")
        far.stop()
        try instance.shutdown(removeAll: true)
    }

    @Test func aRoutedNetworkIsReachedAtItsOwnAddressesAndOnlyAtPublishedPorts() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let record = try make(instance, "routed") {
            $0.options["com.docker.network.bridge.gateway_mode_ipv4"] = "routed"
        }
        let far = try Responder("far", in: host.outside, port: 7000, hasIPv6: false)
        let web = try instance.container(
            "web", ports: [PortRequest(containerPort: 80)], network: "routed")
        let closed = try Responder("closed", in: web.namespace, port: 81, hasIPv6: false)
        let subnet = try #require(record.subnets.first)
        try host.outside.shell("ip route add \(subnet) via \(Host.address)")
        #expect(host.outside.askPatiently(.tcp, web.address, 80) == "web \(Host.outsideAddress)")
        #expect(host.outside.ask(.tcp, web.address, 81, timeout: 0.3) == nil)
        #expect(web.namespace.askPatiently(.tcp, Host.outsideAddress, 7000) == "far \(web.address)")
        closed.stop()
        far.stop()
        try instance.shutdown(removeAll: true)
    }

    @Test func networksAndContainersAreThereAfterARestartAndRepaired() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let record = try make(instance, "mine") {
            $0.pools = [
                .init(subnet: "10.77.0.0/24", range: "10.77.0.128/25", auxiliary: ["router": "10.77.0.129"])
            ]
            $0.labels = ["a": "b"]
        }
        let web = try instance.container(
            "web", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)], network: "mine")
        // The lowest of the range is the gateway's, the next one somebody else's.
        #expect(web.address == "10.77.0.130")
        try instance.shutdown(removeAll: false)
        // Somebody deletes the bridge, and then the container's interface.
        try host.namespace.shell("ip link del br-\(record.id.prefix(12))")
        for step in ["true", "ip link del \(web.endpoint.hostInterfaceName)"] {
            try host.namespace.shell(step)
            let next = try host.start(host.configuration(), existing: [web.endpoint])
            #expect(next.controller.networks.last == record)
            let (controller, namespace, endpoint) = (next.controller, web.namespace, web.endpoint)
            try host.namespace.run {
                try controller.repair([endpoint], namespace: namespace.descriptor.rawValue)
            }
            #expect(host.outside.askPatiently(.tcp, Host.address, 8080) == "web \(Host.outsideAddress)")
            let other = try next.container("other", network: "mine")
            #expect(other.address == "10.77.0.131")
            #expect(other.namespace.askPatiently(.tcp, web.address, 80)?.hasPrefix("web ") == true)
            try other.release()
            try next.shutdown(removeAll: false)
        }
        let last = try host.start(host.configuration())
        try remove(last, "mine")
        #expect(try !interfaces(host).contains("br-"))
        try last.shutdown(removeAll: true)
        #expect(try host.start(host.configuration()).controller.networks.count == 3)
    }

    @Test func portsAreAddedToAndTakenFromAContainerThatRuns() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        _ = try make(instance, "mine")
        let web = try instance.container(
            "web", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)], network: "mine")
        let controller = instance.controller
        let endpoint = web.endpoint
        let grown = try host.namespace.run {
            var changed = endpoint
            try controller.addPorts([PortRequest(containerPort: 80, hostPorts: 8081...8081)], to: &changed)
            return changed
        }
        for port in [8080, 8081] as [UInt16] {
            #expect(host.outside.askPatiently(.tcp, Host.address, port) == "web \(Host.outsideAddress)")
        }
        #expect(throws: NetworkError.self) {
            try host.namespace.run {
                var changed = grown
                try controller.addPorts(
                    [PortRequest(containerPort: 80, hostPorts: 8081...8081)], to: &changed)
            }
        }
        #expect(host.outside.ask(.tcp, Host.address, 8081) == "web \(Host.outsideAddress)")
        try host.namespace.run {
            var changed = grown
            controller.removePorts(grown.ports.filter { $0.hostPort == 8080 }, from: &changed)
        }
        #expect(host.outside.ask(.tcp, Host.address, 8080, timeout: 0.3) == nil)
        #expect(host.outside.ask(.tcp, Host.address, 8081) == "web \(Host.outsideAddress)")
        try web.release()
        #expect(host.outside.ask(.tcp, Host.address, 8081, timeout: 0.3) == nil)
        // Nothing holds the ports any more.
        let next = try instance.container(
            "next", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8081)], network: "mine")
        #expect(next.endpoint.ports.contains { $0.hostPort == 8080 })
        try instance.shutdown(removeAll: true)
    }

    @Test func whatSharesAddressesIsRefusedByName() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        _ = try make(instance, "mine") { $0.pools = [.init(subnet: "10.77.0.0/16")] }
        for (subnet, holder) in [
            ("10.77.3.0/24", "network mine"), ("198.51.100.0/25", "the host"),
            ("172.17.0.0/24", "network bridge"),
        ] {
            let error = #expect(throws: NetworkError.self) {
                try make(instance, "other") { $0.pools = [.init(subnet: subnet)] }
            }
            #expect(error?.code == .subnetOverlaps && error?.message.contains(holder) == true)
        }
        #expect(try interfaces(host).split(separator: "\n").filter { $0.hasPrefix("br-") }.count == 1)
        // What is chosen stays clear of all of them.
        let chosen = try make(instance, "chosen")
        #expect(chosen.subnets == [try #require(AddressBlock("172.18.0.0/16"))])
        let web = try instance.container("web", network: "chosen")
        let error = #expect(throws: NetworkError.self) { try remove(instance, "chosen") }
        #expect(error?.code == .networkInUse && error?.message.contains("web") == true)
        try web.release()
        try remove(instance, "chosen")
        try instance.shutdown(removeAll: true)
    }

    @Test func poolsThatAreEmptySaySo() throws {
        let host = try Host()
        var configuration = host.configuration()
        configuration.addressPools = [.init(base: try #require(AddressBlock("10.5.0.0/23")), size: 24)]
        let instance = try host.start(configuration)
        _ = try make(instance, "one")
        let error = #expect(throws: NetworkError.self) { try make(instance, "two") }
        #expect(error?.code == .exhausted && error?.message.contains("10.5.0.0/23") == true)
        try remove(instance, "one")
        _ = try make(instance, "two")
        try instance.shutdown(removeAll: true)
    }
}
