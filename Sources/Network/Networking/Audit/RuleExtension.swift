import Netlink

/// The extensions of iptables that rules made by `iptables-nft` carry as they are, in the layout of the kernel's
/// `linux/netfilter/xt_*.h`: the few that nearly every firewall uses.
enum RuleExtension {
    private static let name: UInt16 = 1
    private static let revision: UInt16 = 2
    private static let information: UInt16 = 3

    static func match(_ attributes: Attributes) -> RuleStep {
        let bytes = attributes[information].map { Array($0.content) } ?? []
        switch attributes[name]?.string {
        case "comment": return .pass
        case "conntrack" where attributes[revision]?.big(UInt32.self) == 3, "state": return state(bytes)
        case "tcp": return ports(bytes, unset: 8...11)
        case "udp": return ports(bytes, unset: 8...8)
        default: return .uncertain
        }
    }

    /// `struct xt_conntrack_mtinfo3` where it asks for the state only; `struct xt_state_info` is shorter.
    private static func state(_ bytes: [UInt8]) -> RuleStep {
        func number(_ offset: Int) -> UInt16 { UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8 }
        let new: UInt16 = 1 << 3
        guard bytes.count >= 154 else { return .uncertain }
        guard number(146) == 1 else { return .uncertain }
        return .constantMatch((number(150) & new != 0) != (number(148) & 1 != 0))
    }

    /// `struct xt_tcp` and `struct xt_udp`: two source ports, two destination ports, then what has to be unset.
    private static func ports(_ bytes: [UInt8], unset: ClosedRange<Int>) -> RuleStep {
        guard bytes.count > unset.upperBound, unset.allSatisfy({ bytes[$0] == 0 }) else { return .uncertain }
        func port(_ index: Int) -> UInt16 { UInt16(bytes[index * 2]) | UInt16(bytes[index * 2 + 1]) << 8 }
        guard port(0) <= ProbePacket.sourcePort, port(1) >= ProbePacket.sourcePort, port(2) <= port(3) else {
            return port(2) <= port(3) ? .constantMatch(false) : .uncertain
        }
        return .port(port(2)...port(3))
    }

    static func target(_ attributes: Attributes) -> RuleStep {
        switch attributes[name]?.string {
        case "LOG", "NFLOG", "MARK", "CONNMARK", "CHECKSUM", "TCPMSS", "CLASSIFY", "DSCP", "TOS", "TTL", "HL",
            "CT", "NOTRACK", "SNAT", "MASQUERADE", "SET", "TRACE":
            .pass
        case "REJECT": .reject
        default: .obscure
        }
    }
}
