import Glibc
import LinuxKernel
import Networking
import Testing

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct MacvlanTests {
    private func create(
        _ instance: Instance, _ name: String, driver: String = "macvlan", _ options: [String: String],
        subnet: String = "198.51.100.0/24"
    ) throws -> NetworkRecord {
        var request = NetworkRequest(name: name)
        request.driver = driver
        request.options = options
        request.pools = [
            .init(
                subnet: subnet, range: "", gateway: "",
                auxiliary: ["host": Host.address, "far": Host.outsideAddress])
        ]
        if subnet != "198.51.100.0/24" { request.pools[0].auxiliary = [:] }
        let made = request
        let controller = instance.controller
        return try instance.host.namespace.run { try controller.create(made) }
    }

    private func remove(_ instance: Instance, _ record: NetworkRecord) throws {
        let controller = instance.controller
        try instance.host.namespace.run { _ = try controller.remove(record.id) }
    }

    @Test func aContainerIsOnItsParentsNetworkUnderAnAddressOfItsOwn() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let record = try create(instance, "lan", ["parent": "up0"])
        let web = try instance.container("web", network: "lan")
        let other = try instance.container("other", network: "lan")
        // The other machine reaches both and sees who they are; so do they each other; the host does not.
        #expect(host.outside.askPatiently(.tcp, web.address, 80) == "web \(Host.outsideAddress)")
        #expect(other.namespace.askPatiently(.tcp, web.address, 80) == "web \(other.address)")
        #expect(host.namespace.ask(.tcp, web.address, 80, timeout: 0.3) == nil)
        let link = try web.namespace.shell("ip -d link show eth0")
        #expect(link.contains("macvlan mode bridge"))
        #expect(link.contains("\(web.endpoint.macAddress?.description ?? "none")"))
        try web.release()
        try other.release()
        try remove(instance, record)
        try instance.shutdown(removeAll: true)
    }

    @Test(arguments: [("private", "private"), ("vepa", "vepa"), ("passthru", "passthru")])
    func theModeIsTheKernels(option: String, shown: String) throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let record = try create(instance, "lan", ["parent": "up0", "macvlan_mode": option])
        let web = try instance.container("web", network: "lan")
        #expect(try web.namespace.shell("ip -d link show eth0").contains("macvlan mode \(shown)"))
        #expect(host.outside.askPatiently(.tcp, web.address, 80) == "web \(Host.outsideAddress)")
        try web.release()
        try remove(instance, record)
        try instance.shutdown(removeAll: true)
    }

    @Test func withoutAParentContainersReachOnlyEachOther() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let record = try create(instance, "closed", [:], subnet: "192.0.2.0/24")
        let interface = "dm-\(record.id.prefix(12))"
        #expect(try host.namespace.shell("ip link show").contains(interface))
        let web = try instance.container("web", network: "closed")
        let other = try instance.container("other", network: "closed")
        #expect(other.namespace.askPatiently(.tcp, web.address, 80) == "web \(other.address)")
        #expect(try !web.namespace.shell("ip route").contains("default"))
        try web.release()
        try other.release()
        try remove(instance, record)
        #expect(try !host.namespace.shell("ip link show").contains(interface))
        try instance.shutdown(removeAll: true)
    }

    @Test func aParentIsNotSharedWhereTheKernelCannot() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let first = try create(instance, "first", ["parent": "up0"])
        let error = #expect(throws: NetworkError.self) {
            try create(instance, "second", ["parent": "up0", "macvlan_mode": "passthru"])
        }
        #expect(error?.message.contains("network first is already using parent interface up0") == true)
        try remove(instance, first)
        let second = try create(instance, "second", ["parent": "up0", "macvlan_mode": "passthru"])
        try remove(instance, second)
        try instance.shutdown(removeAll: true)
    }

    @Test(arguments: [
        (["parent": "up9"], "up9 was not found"), (["parent": "lo"], "loopback"),
        (["parent": "up0", "macvlan_mode": "open"], "requested macvlan mode 'open' is not valid"),
        (["parent": "up0.4095"], "vlan id must be between 1-4094"),
        (["parent": "up0", "com.docker.network.driver.mtu": "12"], "com.docker.network.driver.mtu"),
    ])
    func whatCannotWorkIsRefusedAndLeavesNothing(options: [String: String], message: String) throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let before = try host.namespace.shell("ip -o link | wc -l")
        let error = #expect(throws: NetworkError.self) { try create(instance, "lan", options) }
        #expect(error?.message.contains(message) == true)
        #expect(try host.namespace.shell("ip -o link | wc -l") == before)
        #expect(!instance.controller.networks.contains { $0.name == "lan" })
        try instance.shutdown(removeAll: true)
    }

    /// Kernels differ in what they have; both answers are checked.
    @Test(arguments: [
        ("ipvlan", ["parent": "up0"], "ipvlan"), ("macvlan", ["parent": "up0.50"], "8021q"),
    ])
    func aKindThatTheKernelLacksIsRefusedByTheModulesName(
        driver: String, options: [String: String], module: String
    ) throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        do {
            let record = try create(instance, "lan", driver: driver, options)
            let web = try instance.container("web", network: "lan")
            #expect(try web.namespace.shell("ip -d link show eth0").contains(driver))
            try web.release()
            try remove(instance, record)
        } catch let error as NetworkError {
            #expect(error.code == .unsupported)
            #expect(error.message.contains(module))
        }
        #expect(try !host.namespace.shell("ip -o link").contains("up0.50"))
        try instance.shutdown(removeAll: true)
    }

    @Test func aDaemonThatComesBackTakesOverAndClearsUp() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let record = try create(instance, "closed", [:], subnet: "192.0.2.0/24")
        try instance.shutdown(removeAll: false)
        // What a crash left, between making an interface and recording its network.
        try host.namespace.shell("ip link add dm-left type ifb && ip link set dm-left alias 'skiff sktest'")
        let again = try host.start(host.configuration())
        #expect(try !host.namespace.shell("ip -o link").contains("dm-left"))
        let web = try again.container("web", network: "closed")
        #expect(try web.namespace.shell("ip -4 address show eth0").contains(web.address))
        try web.release()
        try remove(again, record)
        #expect(try !host.namespace.shell("ip -o link").contains("dm-"))
        try again.shutdown(removeAll: true)
    }
}
