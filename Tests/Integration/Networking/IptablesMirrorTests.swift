import Glibc
import LinuxKernel
import Logging
import Testing

@testable import Networking

@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct IptablesMirrorTests {
    /// What a command prints when it prints what is waited for, or in the end.
    private func wait(
        _ command: String, in namespace: Namespace, until isRight: (String) -> Bool
    ) throws -> String {
        var output = ""
        for _ in 0..<400 {
            output = try namespace.shell(command + " || true")
            if isRight(output) { return output }
            usleep(50_000)
        }
        return output
    }

    private func start(_ namespace: Namespace) throws -> (Firewall, IptablesMirror) {
        let mirror = try IptablesMirror(logger: Logger(label: "mirror"))
        let firewall = Firewall(table: "sktest", mirror: mirror, logger: Logger(label: "mirror"))
        try namespace.run {
            try mirror.start()
            var model = FirewallModel()
            model.ports["web"] = [try Self.port(8080)]
            try firewall.replace(with: model)
        }
        return (firewall, mirror)
    }

    private static func port(_ number: UInt16) throws -> FirewallModel.Port {
        FirewallModel.Port(
            hostAddress: .v4(.any), hostPort: number, transport: .tcp,
            containerAddress: try #require(IPAddress("172.17.0.2")), containerPort: 80)
    }

    @Test func publishedPortsAreListedAsDockersAre() throws {
        let namespace = try Namespace()
        let (firewall, mirror) = try start(namespace)
        let list = "iptables -t nat -L DOCKER -n"
        let output = try wait(list, in: namespace) { $0.contains("dpt:8080") }
        #expect(output.contains("DNAT"))
        #expect(output.contains("tcp dpt:8080 to:172.17.0.2:80"))
        try firewall.publish([try Self.port(8081)], endpoint: "second")
        #expect(try wait(list, in: namespace) { $0.contains("8081") }.contains("dpt:8081 to:172.17.0.2:80"))
        try firewall.publish([], endpoint: "web")
        #expect(try !wait(list, in: namespace) { !$0.contains("8080") }.contains("8080"))
        // The whole table can be listed: nothing in it is foreign to iptables.
        #expect(try namespace.shell("iptables -t nat -L -n").contains("Chain PREROUTING"))
        mirror.stop(removing: true)
        #expect(try !namespace.shell("iptables -t nat -S").contains("DOCKER"))
    }

    @Test func theUsersChainComesFirstAndKeepsItsRules() throws {
        let namespace = try Namespace()
        try namespace.shell("iptables -A FORWARD -j ACCEPT")
        let (firewall, mirror) = try start(namespace)
        let list = "iptables -S"
        var rules = try wait(list, in: namespace) { $0.contains("-j DOCKER-USER") }
        let first = rules.split(separator: "\n").first { $0.hasPrefix("-A FORWARD") }
        #expect(first == "-A FORWARD -j DOCKER-USER")
        try namespace.shell("iptables -I DOCKER-USER -s 192.0.2.9 -j DROP")
        mirror.forget()
        try firewall.publish([try Self.port(8082)], endpoint: "other")
        _ = try wait("iptables -t nat -S DOCKER", in: namespace) { $0.contains("8082") }
        mirror.stop(removing: true)
        rules = try namespace.shell(list)
        #expect(rules.contains("-A DOCKER-USER -s 192.0.2.9/32 -j DROP"))
        #expect(rules.components(separatedBy: "-A FORWARD -j DOCKER-USER").count == 2)
    }

    @Test func whatAFlushTookIsPutBack() throws {
        let namespace = try Namespace()
        let (firewall, mirror) = try start(namespace)
        _ = try wait("iptables -t nat -S DOCKER", in: namespace) { $0.contains("8080") }
        try namespace.shell("nft flush ruleset")
        try firewall.restore()
        #expect(
            try wait("iptables -t nat -S DOCKER", in: namespace) { $0.contains("8080") }.contains("8080"))
        #expect(
            try wait("iptables -S", in: namespace) { $0.contains("-j DOCKER-USER") }.contains("DOCKER-USER"))
        mirror.stop(removing: false)
    }
}

extension String {
    fileprivate func components(separatedBy text: String) -> [Substring] {
        split(separator: text, omittingEmptySubsequences: false)
    }
}
