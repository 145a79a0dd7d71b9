import Netlink

/// What an audit finds wrong with the host.
struct AuditFindings: Sendable {
    let scene: AuditScene
    let rules: RuleMachine

    private var bridges: [String] { Set(scene.seats.compactMap(\.bridge)).sorted() }

    var all: [NetworkAudit.Finding] { forwarding + ownTable + foreignPolicies }

    private var forwarding: [NetworkAudit.Finding] {
        guard !scene.forwardsIPv4, !bridges.isEmpty else { return [] }
        return [
            NetworkAudit.Finding(
                message:
                    "the kernel does not forward IPv4: containers reach neither other networks nor the outside, "
                    + "and published ports do not work",
                remedy: "sysctl -w net.ipv4.ip_forward=1")
        ]
    }

    private var ownTable: [NetworkAudit.Finding] {
        guard !bridges.isEmpty,
            !rules.baseChains(.forward, isIPv4: true).contains(where: { $0.table.name == scene.table })
        else { return [] }
        return [
            NetworkAudit.Finding(
                message:
                    "the nftables table inet \(scene.table) is missing: no port is published and no network is kept apart",
                remedy: "restart the daemon, and look in its log for why the table was not restored")
        ]
    }

    /// Another program's table that drops what containers send to the outside.
    private var foreignPolicies: [NetworkAudit.Finding] {
        var findings: [NetworkAudit.Finding] = []
        for chain in rules.baseChains(.forward, isIPv4: true)
        where chain.base?.drops == true && chain.table.name != scene.table {
            let place = RuleMachine.Place(table: chain.table, chain: chain.name)
            let blocked = bridges.filter { bridge in
                let seat = scene.seats.first { $0.bridge == bridge && $0.endpoint.ipv4 != nil }
                guard let address = seat?.endpoint.ipv4?.address, let far = IPAddress("203.0.113.77") else {
                    return false
                }
                var packet = ProbePacket(
                    source: .v4(address), destination: far, transport: .tcp, port: 443)
                (packet.inputInterface, packet.outputInterface) = (bridge, scene.uplink)
                return rules.run(.forward, &packet) == .drop(place)
            }
            guard !blocked.isEmpty else { continue }
            findings.append(Self.blocking(place, chain, blocked))
        }
        return findings
    }

    private static func blocking(
        _ place: RuleMachine.Place, _ chain: RuleMachine.Chain, _ bridges: [String]
    ) -> NetworkAudit.Finding {
        let isIptables = chain.table.name == "filter" && chain.name == "FORWARD"
        let commands = bridges.flatMap { bridge in
            isIptables
                ? [
                    "iptables -I FORWARD -i \(bridge) -j ACCEPT",
                    "iptables -I FORWARD -o \(bridge) -j ACCEPT",
                ]
                : [
                    "nft insert rule \(chain.table.family == 1 ? "inet" : "ip") \(chain.table.name) \(chain.name) iifname \(bridge) accept",
                    "nft insert rule \(chain.table.family == 1 ? "inet" : "ip") \(chain.table.name) \(chain.name) oifname \(bridge) accept",
                ]
        }
        return NetworkAudit.Finding(
            message:
                "the \(place) drops what the containers of \(bridges.joined(separator: ", ")) send to other networks: "
                + "another firewall (Docker, ufw, …) allows only what it knows",
            remedy: commands.joined(separator: "; "))
    }
}
