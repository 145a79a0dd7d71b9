import Networking
import Testing

/// What Docker 20.10 writes for the same host files and options; where it differs, a test says so.
@Suite struct ResolverFileTests {
    private func resolver(
        _ host: String, mode: NameConfiguration.Mode = .bridge,
        _ change: (inout NameConfiguration) -> Void = { _ in }
    ) -> String {
        var names = NameConfiguration(mode: mode, hostname: "h")
        change(&names)
        return names.resolvConf(hostFile: host)
    }

    @Test(arguments: [
        ("nameserver 10.255.255.53\n", "nameserver 10.255.255.53\n"),
        (
            "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan\n",
            "options edns0 trust-ad\nsearch lan\n\nnameserver 8.8.8.8\nnameserver 8.8.4.4\n"
        ),
        (
            "nameserver 127.0.0.1\nnameserver 1.1.1.1\nnameserver ::1\nsearch lan home\n# comment\noptions ndots:2\n",
            "nameserver 1.1.1.1\nsearch lan home\n# comment\noptions ndots:2\n"
        ),
        ("nameserver 1.1.1.1\nnameserver 2001:db8::1\nnameserver fe80::1%eth0\n", "nameserver 1.1.1.1\n"),
        (
            "; semi\n# c\ndomain foo.org\nnameserver   1.1.1.1   \nsortlist 1.2.3.4\n",
            "; semi\n# c\ndomain foo.org\nnameserver   1.1.1.1   \nsortlist 1.2.3.4\n"
        ),
        ("", "\nnameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
    ])
    func theHostsFileLosesServersThatAContainerCannotReach(host: String, file: String) {
        #expect(resolver(host) == file)
        #expect(resolver(host, mode: .none) == file)
    }

    private static let host = "nameserver 1.1.1.1\nsearch lan\noptions ndots:2\n"

    @Test func givenServersDomainsAndOptionsReplaceTheHosts() {
        #expect(
            resolver(Self.host) { $0.dns = ["5.5.5.5"] }
                == "search lan\nnameserver 5.5.5.5\noptions ndots:2\n")
        #expect(
            resolver(Self.host) { $0.dnsSearch = ["x.y"] }
                == "search x.y\nnameserver 1.1.1.1\noptions ndots:2\n")
        #expect(resolver(Self.host) { $0.dnsSearch = ["."] } == "nameserver 1.1.1.1\noptions ndots:2\n")
        #expect(
            resolver(Self.host) { $0.dnsOptions = ["rotate"] }
                == "search lan\nnameserver 1.1.1.1\noptions rotate\n")
        #expect(
            resolver("nameserver 10.0.0.1\n") {
                $0.dns = ["9.9.9.9", "2001:db8::53"]
                $0.dnsSearch = ["a.b", "c"]
                $0.dnsOptions = ["ndots:3", "rotate"]
            } == "search a.b c\nnameserver 9.9.9.9\nnameserver 2001:db8::53\noptions ndots:3 rotate\n")
    }

    @Test func aServerThatWasAskedForStaysEvenOnTheLoopback() {
        #expect(
            resolver("nameserver 127.0.0.53\nsearch lan\n") { $0.dns = ["127.0.0.1"] }
                == "search lan\nnameserver 127.0.0.1\n")
    }

    @Test func hostModeHasTheHostsFile() {
        let host = "nameserver 127.0.0.53\nsearch lan\noptions ndots:2\n"
        #expect(resolver(host, mode: .host) == host)
        #expect(
            resolver(host, mode: .host) { $0.dnsOptions = ["rotate"] }
                == "search lan\nnameserver 127.0.0.53\noptions rotate\n")
    }

    /// Docker 20.10 keeps the host's loopback server here, which nobody answers in the container.
    @Test func unreachableServersAlsoGoWhereTheFileIsMadeAnew() {
        #expect(
            resolver("nameserver 127.0.0.53") { $0.dnsSearch = ["lan"] }
                == "search lan\nnameserver 8.8.8.8\nnameserver 8.8.4.4\n")
    }

    @Test func serversWithIPv6AddressesStayWhereTheContainerHasOne() {
        let host = "nameserver 2001:db8::1\nnameserver ::1\n"
        #expect(
            resolver(host) { $0.addresses = [.v6(.init(5))] } == "nameserver 2001:db8::1\n")
    }

    @Test func behindTheResolversStubTheRealServersAreRead() {
        #expect(
            NameConfiguration.hostResolverPath(content: "nameserver 127.0.0.53\nsearch x\n")
                == "/run/systemd/resolve/resolv.conf")
        #expect(NameConfiguration.hostResolverPath(content: "nameserver 127.0.0.1\n") == "/etc/resolv.conf")
    }
}

/// What Docker 28 writes for containers of user-defined networks.
@Suite struct NamedContainerFileTests {
    private func file(_ host: String, _ change: (inout NameConfiguration) -> Void = { _ in }) -> String {
        var names = NameConfiguration(mode: .resolver, hostname: "h")
        change(&names)
        return names.resolvConf(hostFile: host)
    }

    @Test func theResolverIsTheOnlyServer() {
        #expect(
            file("nameserver 1.1.1.1\nnameserver 127.0.0.53\n") == "nameserver 127.0.0.11\noptions ndots:0\n")
        #expect(file("") == "nameserver 127.0.0.11\noptions ndots:0\n")
        #expect(
            file("nameserver 1.1.1.1\n") { $0.dns = ["5.5.5.5"] }
                == "nameserver 127.0.0.11\noptions ndots:0\n")
        #expect(!NameConfiguration(mode: .resolver, hostname: "h").usesPublicServers(hostFile: ""))
    }

    @Test func domainsAndOptionsAreTheHostsOrTheGivenOnes() {
        let host = "search lan home\nnameserver 1.1.1.1\noptions edns0 trust-ad\n"
        #expect(file(host) == "nameserver 127.0.0.11\nsearch lan home\noptions edns0 trust-ad ndots:0\n")
        #expect(
            file(host) {
                $0.dnsSearch = ["x.y"]
                $0.dnsOptions = ["rotate"]
            } == "nameserver 127.0.0.11\nsearch x.y\noptions rotate ndots:0\n")
        #expect(
            file(host) { $0.dnsSearch = ["."] } == "nameserver 127.0.0.11\noptions edns0 trust-ad ndots:0\n")
    }

    @Test func dotsThatSomebodyDecidedStay() {
        #expect(file("options ndots:2\n") == "nameserver 127.0.0.11\noptions ndots:2\n")
        #expect(file("") { $0.dnsOptions = ["ndots:5"] } == "nameserver 127.0.0.11\noptions ndots:5\n")
    }

    @Test func theHostsFileHoldsTheContainersOwnNames() throws {
        var names = NameConfiguration(mode: .resolver, hostname: "web")
        names.addresses = [.v4(IPv4Address(0x0a00_0002))]
        #expect(try names.hostsFile(hostFile: "").hasSuffix("10.0.0.2\tweb\n"))
    }
}
