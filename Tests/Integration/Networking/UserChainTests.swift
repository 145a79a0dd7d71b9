import Glibc
import LinuxKernel
import Networking
import Testing

/// The chain `user` of the instance's table: the users' own.
@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct UserChainTests {
    private static let drop =
        "nft add rule inet sktest user ip saddr \(Host.outsideAddress) tcp dport 80 drop"

    @Test func whatItDropsIsDroppedAndWhatItAcceptsIsAccepted() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container(
            "web", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) != nil)
        try host.namespace.shell(Self.drop)
        #expect(host.outside.ask(.tcp, Host.address, 8080, timeout: 0.3) == nil)
        // Others are not concerned.
        #expect(host.namespace.askPatiently(.tcp, Host.address, 8080) != nil)
        try host.namespace.shell("nft flush chain inet sktest user")
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) != nil)
        // A direct way to the container, which is closed otherwise.
        try host.outside.shell("ip route add \(web.address) via \(Host.address)")
        #expect(host.outside.ask(.tcp, web.address, 80, timeout: 0.3) == nil)
        try host.namespace.shell("nft add rule inet sktest user tcp dport 80 accept")
        #expect(host.outside.askPatiently(.tcp, web.address, 80) == "web \(Host.outsideAddress)")
        try web.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func itsRulesOutliveRestartsAndRewritings() throws {
        let host = try Host()
        var instance = try host.start(host.configuration())
        try host.namespace.shell(
            """
            nft add set inet sktest user_denied '{ type ipv4_addr; flags interval; elements = { 192.0.2.0/24 }; }'
            nft add chain inet sktest user_more && nft add rule inet sktest user_more ip saddr @user_denied drop
            nft add rule inet sktest user jump user_more && \(Self.drop)
            """)
        let mine = try host.namespace.shell(
            "nft list chain inet sktest user_more; nft list chain inet sktest user")
        try instance.shutdown(removeAll: true)
        instance = try host.start(host.configuration())
        // A chain of the engine's is emptied: it comes back, the users' stay.
        try host.namespace.shell("nft flush chain inet sktest forward")
        var rules = ""
        for _ in 0..<200 {
            rules = try host.namespace.shell("nft list chain inet sktest forward")
            if rules.contains("jump user") { break }
            usleep(50_000)
        }
        #expect(rules.contains("jump user"))
        #expect(
            try host.namespace.shell("nft list chain inet sktest user_more; nft list chain inet sktest user")
                == mine)
        #expect(try host.namespace.shell("nft list set inet sktest user_denied").contains("192.0.2.0/24"))
        try host.namespace.shell("nft delete table inet sktest")
        try instance.shutdown(removeAll: true)
    }

    /// As /etc/nftables.conf does: everything is flushed, and the users' chain is there before the engine's.
    @Test func aReloadedFirewallBringsTheChainAlong() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container(
            "web", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) != nil)
        try host.namespace.shell(
            """
            echo 'flush ruleset; table inet sktest { chain user { ip saddr 192.0.2.77 drop; }; }' | nft -f -
            """)
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) != nil)
        #expect(try host.namespace.shell("nft list chain inet sktest user").contains("192.0.2.77"))
        try web.release()
        try instance.shutdown(removeAll: true)
    }
}
