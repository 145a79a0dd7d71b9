import Glibc
import LinuxKernel
import Networking
import Testing

/// Every answer of the audit is held against a real connection.
@Suite(.enabled(if: isRoot, "needs root, to make network namespaces"), .serialized)
struct AuditTests {
    private func audit(_ instance: Instance) throws -> NetworkAudit {
        let controller = instance.controller
        return try instance.host.namespace.run { try controller.audit() }
    }

    private func path(
        _ audit: NetworkAudit, _ source: NetworkAudit.Source, from: String = "", to: String,
        port: UInt16? = nil,
        isIPv4: Bool = true
    ) throws -> NetworkAudit.Path {
        try #require(
            audit.paths.first {
                $0.source == source && (from.isEmpty || $0.from == from) && $0.to == to && $0.port == port
                    && $0.address.isIPv4 == isIPv4
            })
    }

    private func create(_ instance: Instance, _ name: String, isInternal: Bool = false) throws {
        var request = NetworkRequest(name: name)
        request.isInternal = isInternal
        let made = request
        let controller = instance.controller
        _ = try instance.host.namespace.run { try controller.create(made) }
    }

    @Test(arguments: [0, 1])
    func whatTheAuditSaysIsWhatConnectionsFind(netfilter: Int) throws {
        let host = try Host()
        try host.namespace.setting("bridge/bridge-nf-call-iptables", "\(netfilter)")
        let instance = try host.start(host.configuration())
        try create(instance, "other")
        try create(instance, "closed", isInternal: true)
        let web = try instance.container(
            "web", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
        let peers = [
            try instance.container("same"), try instance.container("stranger", network: "other"),
            try instance.container("inmate", network: "closed"),
        ]
        try host.outside.shell("ip route add 172.16.0.0/12 via \(Host.address)")
        // What is reachable answers, sooner or later; then nothing is still being set up.
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) != nil)
        let audit = try audit(instance)
        let all = [web] + peers
        for from in all {
            for to in all where to !== from {
                let found = try path(
                    audit, .container, from: from.endpoint.containerName, to: to.endpoint.containerName)
                let answers = from.namespace.ask(.tcp, to.address, 80, timeout: 0.4) != nil
                #expect(
                    found.verdict == (answers ? .reachable : .blocked),
                    "\(found.from) to \(found.to): \(found.reason)")
            }
        }
        for to in all {
            let fromHost = try path(audit, .host, to: to.endpoint.containerName)
            #expect(fromHost.verdict == .reachable)
            #expect(host.namespace.askPatiently(.tcp, to.address, 80) != nil)
            let fromOutside = try path(audit, .outside, to: to.endpoint.containerName)
            #expect(fromOutside.verdict == .blocked)
            #expect(host.outside.ask(.tcp, to.address, 80, timeout: 0.3) == nil)
        }
        #expect(try path(audit, .outside, to: "web", port: 8080).verdict == .reachable)
        #expect(audit.findings.isEmpty, "\(audit.findings)")
        try instance.shutdown(removeAll: false)
    }

    @Test func anotherFirewallsDropIsNamedWithItsRemedy() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container(
            "web", ports: [PortRequest(containerPort: 80, hostPorts: 8080...8080)])
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) != nil)
        try host.namespace.shell("iptables -P FORWARD DROP")
        let blocked = try audit(instance)
        #expect(host.outside.ask(.tcp, Host.address, 8080, timeout: 0.3) == nil)
        let path = try path(blocked, .outside, to: "web", port: 8080)
        #expect(path.verdict == .blocked)
        #expect(path.reason == "policy of chain FORWARD in table ip filter")
        let finding = try #require(blocked.findings.first)
        #expect(finding.message.contains("FORWARD") && finding.message.contains("skt0"))
        // What it says to do helps.
        try host.namespace.shell(finding.remedy)
        #expect(host.outside.askPatiently(.tcp, Host.address, 8080) != nil)
        let allowed = try audit(instance)
        #expect(allowed.findings.isEmpty)
        #expect(try self.path(allowed, .outside, to: "web", port: 8080).verdict == .reachable)
        try web.release()
        try instance.shutdown(removeAll: true)
    }

    @Test func usersRulesForAddressesPortsAndSetsAreFollowed() throws {
        let host = try Host()
        let instance = try host.start(host.configuration())
        let web = try instance.container(
            "web",
            ports: [
                PortRequest(containerPort: 80, hostPorts: 8080...8080),
                PortRequest(containerPort: 81, hostPorts: 8081...8081),
                PortRequest(containerPort: 82, hostPorts: 8082...8082),
            ])
        try host.namespace.shell(
            """
            nft '
            table inet mine {
                set shut { type inet_service; flags interval; elements = { 80, 90-99 }; }
                chain no { reject; }
                chain f {
                    type filter hook forward priority -5;
                    ct state established accept
                    tcp dport @shut drop
                    ip daddr \(web.address) tcp dport vmap { 81 : goto no, 83 : drop }
                    tcp dport 82 limit rate 1/minute accept
                    tcp dport 82 drop
                }
            }
            '
            """)
        let audit = try audit(instance)
        let verdicts = try [8080, 8081, 8082].map { try path(audit, .outside, to: "web", port: $0) }
        #expect(verdicts.map(\.verdict) == [.blocked, .blocked, .unknown])
        #expect(verdicts[0].reason.contains("chain f in table inet mine"))
        #expect(verdicts[1].reason.contains("chain no in table inet mine"))
        try web.release()
        try instance.shutdown(removeAll: true)
    }
}
