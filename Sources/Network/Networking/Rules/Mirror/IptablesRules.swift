/// What iptables is to show of an instance's rules, in the language of iptables-restore.
///
/// The chain `DOCKER` of the table `nat` lists the published ports as Docker does. Nothing jumps to it: the
/// instance's own table has translated a packet before. `DOCKER-USER` in `filter` is the users', and is jumped to.
struct IptablesRules {
    static let chain = "DOCKER"
    static let userChain = "DOCKER-USER"

    let isIPv4: Bool

    /// The commands of this family.
    var restore: String { isIPv4 ? "iptables-restore" : "ip6tables-restore" }
    var save: String { isIPv4 ? "iptables-save" : "ip6tables-save" }

    /// Puts the published ports of this family in place of what the mirror chain holds, in one step.
    func ports(_ model: FirewallModel) -> String {
        let ports = model.ports.values.joined().filter {
            $0.containerAddress.isIPv4 == isIPv4 && $0.hostAddress.isIPv4 == isIPv4 && !$0.isRouted
        }
        let rules = ports.sorted(by: Self.isBefore).map { rule($0, bridges: model.bridges.values) }
        // Naming a chain empties it, or makes it.
        return (["*nat", ":\(Self.chain) - [0:0]"] + rules + ["COMMIT", ""]).joined(separator: "\n")
    }

    /// Takes the mirror chain away.
    static let removal = "*nat\n:\(chain) - [0:0]\n-X \(chain)\nCOMMIT\n"

    private static func isBefore(_ a: FirewallModel.Port, _ b: FirewallModel.Port) -> Bool {
        (a.hostPort, a.transport.number, a.hostAddress.number)
            < (b.hostPort, b.transport.number, b.hostAddress.number)
    }

    private func rule(_ port: FirewallModel.Port, bridges: some Sequence<FirewallModel.Bridge>) -> String {
        var words = ["-A", Self.chain]
        if !port.hostAddress.isUnspecified {
            words += ["-d", "\(port.hostAddress)/\(port.hostAddress.bits)"]
        }
        let bridge = bridges.first { $0.subnets.contains { $0.contains(port.containerAddress) } }
        if let bridge { words += ["!", "-i", bridge.name] }
        let transport = port.transport.rawValue
        words += ["-p", transport, "-m", transport, "--dport", "\(port.hostPort)"]
        words += [
            "-j", "DNAT", "--to-destination", "\(port.containerAddress.bracketed):\(port.containerPort)",
        ]
        return words.joined(separator: " ")
    }

    /// What is missing of the users' chain; nil where nothing is. What the users put into it stays.
    /// - Parameter saved: what `iptables-save -t filter` prints
    func userChain(missingIn saved: String) -> String? {
        let lines = saved.split(separator: "\n")
        var additions: [String] = []
        if !lines.contains(where: { $0.hasPrefix(":\(Self.userChain) ") }) {
            additions += [":\(Self.userChain) - [0:0]", "-A \(Self.userChain) -j RETURN"]
        }
        if !lines.contains("-A FORWARD -j \(Self.userChain)") {
            additions.append("-I FORWARD -j \(Self.userChain)")
        }
        guard !additions.isEmpty else { return nil }
        return (["*filter"] + additions + ["COMMIT", ""]).joined(separator: "\n")
    }
}
