import Networking
import Testing

/// What Docker 20.10 writes for the same options.
@Suite struct HostsFileTests {
    static let standard = """
        127.0.0.1\tlocalhost
        ::1\tlocalhost ip6-localhost ip6-loopback
        fe00::0\tip6-localnet
        ff00::0\tip6-mcastprefix
        ff02::1\tip6-allnodes
        ff02::2\tip6-allrouters

        """

    private func names(_ hostname: String, _ change: (inout NameConfiguration) -> Void = { _ in })
        -> NameConfiguration
    {
        var names = NameConfiguration(mode: .bridge, hostname: hostname)
        names.addresses = [.v4(IPv4Address(0xac11_0002))]
        change(&names)
        return names
    }

    @Test(arguments: [
        ("web", "", "172.17.0.2\tweb\n"),
        ("web", "example.org", "172.17.0.2\tweb.example.org web\n"),
        ("web.example.com", "", "172.17.0.2\tweb.example.com web\n"),
    ])
    func aContainerFindsItsOwnName(hostname: String, domain: String, line: String) throws {
        let file = try names(hostname) { $0.domainname = domain }.hostsFile(hostFile: "")
        #expect(file == Self.standard + line)
    }

    @Test func addedHostsComeBeforeTheContainer() throws {
        let file = try names("h") {
            $0.extraHosts = ["a:1.2.3.4", "b:::1", "hg:host-gateway", "c=[2001:db8::1]"]
            $0.hostGateway = [.v4(IPv4Address(0xac11_0001))]
        }.hostsFile(hostFile: "")
        #expect(
            file == Self.standard
                + "1.2.3.4\ta\n::1\tb\n172.17.0.1\thg\n2001:db8::1\tc\n172.17.0.2\th\n")
    }

    @Test func linksListAliasHostNameAndName() throws {
        let file = try names("h") {
            $0.extraHosts = ["z:7.7.7.7"]
            $0.links = [
                .init(address: .v4(IPv4Address(0xac11_0009)), names: ["database", "dbhost", "db"]),
                .init(address: .v4(IPv4Address(0xac11_0009)), names: ["db", "dbhost", "db"]),
            ]
        }.hostsFile(hostFile: "")
        #expect(
            file == Self.standard
                + "7.7.7.7\tz\n172.17.0.9\tdatabase dbhost db\n172.17.0.9\tdb dbhost\n172.17.0.2\th\n")
    }

    @Test func bothFamiliesGetALine() throws {
        let file = try names("hh") { $0.addresses.append(.v6(IPv6Address("fd00:9::242:ac11:2") ?? .any)) }
            .hostsFile(hostFile: "")
        #expect(file == Self.standard + "172.17.0.2\thh\nfd00:9::242:ac11:2\thh\n")
    }

    @Test func withoutNetworkOnlyTheStandardNamesAreThere() throws {
        #expect(try NameConfiguration(mode: .none, hostname: "h").hostsFile(hostFile: "x\n") == Self.standard)
    }

    @Test func hostModeHasTheHostsFileUnlessNamesAreAdded() throws {
        var names = NameConfiguration(mode: .host, hostname: "vm")
        #expect(try names.hostsFile(hostFile: "127.0.0.1 vm\n") == "127.0.0.1 vm\n")
        names.extraHosts = ["x:9.8.7.6"]
        #expect(try names.hostsFile(hostFile: "127.0.0.1 vm\n") == Self.standard + "9.8.7.6\tx\n")
    }

    @Test(arguments: ["nothing", ":1.2.3.4", "a:", "a:1.2.3", "a:host", "hg:host-gateway"])
    func anAddedHostThatCannotBeReadIsRefused(entry: String) {
        #expect(throws: NetworkError.self) {
            try names("h") { $0.extraHosts = [entry] }.hostsFile(hostFile: "")
        }
    }
}
