@testable import OCIRuntime
import OCIModel
import Testing

struct SpecificationCheckTests {
    private func linux(_ sysctl: String) -> RuntimeLinux { RuntimeLinux(sysctl: [sysctl: "1"]) }

    @Test(arguments: ["net.ipv4.ip_forward", "net/ipv4/ip_forward", "net.core.somaxconn"])
    func networkParametersNeedANetworkNamespace(_ name: String) throws {
        try Sysctls.validate(linux(name), privateKinds: [.network])
        #expect(throws: RuntimeError.self) {
            try Sysctls.validate(linux(name), privateKinds: [.ipc, .uts, .mount])
        }
    }

    @Test(arguments: [
        "kernel.panic", "vm.swappiness", "fs.file-max", "net", "net/../kernel/panic", "kernel.shm",
    ])
    func whatWouldChangeTheHostIsRefused(_ name: String) {
        let error = #expect(throws: RuntimeError.self) {
            try Sysctls.validate(linux(name), privateKinds: [.network, .ipc, .uts, .mount, .pid])
        }
        #expect(error?.code == .invalidSpecification)
    }

    @Test func dotsAndSlashesChangeRoles() {
        #expect(Sysctls.path("net.ipv4.ip_forward") == "net/ipv4/ip_forward")
        #expect(Sysctls.path("net/ipv4/conf/eth0.1/forwarding") == "net/ipv4/conf/eth0.1/forwarding")
        #expect(Sysctls.path("net.ipv4.conf.eth0/1.forwarding") == "net/ipv4/conf/eth0.1/forwarding")
    }

    @Test(arguments: ["", ".", "..", "a/b", "../x", "a b", "ä", "a\n"])
    func identifiersThatArePathsAreRefused(_ id: String) {
        #expect(throws: RuntimeError.self) { try ContainerConfiguration.checkIdentifier(id) }
    }

    @Test(arguments: ["a", "web_1.2-3+x", "0123456789abcdef"])
    func plainIdentifiersAreTaken(_ id: String) throws { try ContainerConfiguration.checkIdentifier(id) }

    @Test func defaultDevicesStandBehindTheRulesAndOnlyOnce() {
        var resources = RuntimeResources()
        #expect(resources.allowingDefaultDevices.devices.isEmpty)
        resources.devices = [RuntimeDeviceRule(allow: false), RuntimeDeviceRule.containerDefaults[2]]
        let rules = resources.allowingDefaultDevices.devices
        #expect(rules.count == 1 + RuntimeDeviceRule.containerDefaults.count && rules[0].allow == false)
        resources.devices = [RuntimeDeviceRule(allow: true)]
        #expect(resources.allowingDefaultDevices.devices.count == 1)
    }
}
