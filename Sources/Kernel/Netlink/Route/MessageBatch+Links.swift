import Glibc

/// How a bridge treats one of its ports.
package struct BridgePortOptions: Sendable, Hashable {
    /// Whether a frame may leave by the port that it came in by.
    package var hairpin: Bool
    /// Whether frames to and from other isolated ports are dropped.
    package var isolated: Bool
    /// Whether the port makes itself an IPv6 address. False fails where the kernel runs without IPv6.
    package var hasLinkLocalAddress: Bool

    package init(hairpin: Bool, isolated: Bool, hasLinkLocalAddress: Bool) {
        self.hairpin = hairpin
        self.isolated = isolated
        self.hasLinkLocalAddress = hasLinkLocalAddress
    }
}

/// A veth pair to be made: one end on a bridge, the other born inside another namespace.
package struct VethPair: Sendable {
    package var name: String
    /// The index of the bridge.
    package var bridge: Int32
    package var mtu: Int?
    package var peerName: String
    /// Six bytes.
    package var peerAddress: [UInt8]
    /// A descriptor of the peer's network namespace.
    package var peerNamespace: Int32

    package init(
        name: String, bridge: Int32, mtu: Int?, peerName: String, peerAddress: [UInt8], peerNamespace: Int32
    ) {
        self.name = name
        self.bridge = bridge
        self.mtu = mtu
        self.peerName = peerName
        self.peerAddress = peerAddress
        self.peerNamespace = peerNamespace
    }
}

let interfaceUp: UInt32 = 1

extension MessageBatch {
    static let creation: MessageFlags = [.request, .acknowledge, .create, .exclusive]

    /// `struct ifinfomsg`.
    mutating func linkHeader(
        family: Int32 = AF_UNSPEC, index: Int32 = 0, flags: UInt32 = 0, change: UInt32 = 0
    ) {
        append(UInt8(truncatingIfNeeded: family))
        append(UInt8(0))
        append(UInt16(0))
        append(index)
        append(flags)
        append(change)
    }

    /// Makes a pair in one request: this end up and on the bridge, the peer named and addressed in its own namespace.
    /// The peer stays down: its addresses come first.
    package mutating func createVeth(_ pair: VethPair) {
        message(RouteMessage.newLink, Self.creation, name: "RTM_NEWLINK", subject: "veth \(pair.name)") {
            $0.linkHeader(flags: interfaceUp, change: interfaceUp)
            $0.attribute(LinkAttribute.name, string: pair.name)
            if let mtu = pair.mtu { $0.attribute(LinkAttribute.mtu, number: UInt32(clamping: mtu)) }
            $0.attribute(LinkAttribute.master, number: pair.bridge)
            $0.nested(LinkAttribute.linkInfo) {
                $0.attribute(LinkAttribute.kind, string: "veth")
                $0.nested(LinkAttribute.data) {
                    $0.nested(LinkAttribute.vethPeer) {
                        $0.linkHeader()
                        $0.attribute(LinkAttribute.name, string: pair.peerName)
                        $0.attribute(LinkAttribute.address, pair.peerAddress)
                        if let mtu = pair.mtu {
                            $0.attribute(LinkAttribute.mtu, number: UInt32(clamping: mtu))
                        }
                        $0.attribute(LinkAttribute.namespaceDescriptor, number: pair.peerNamespace)
                    }
                }
            }
        }
    }

    private mutating func withoutAddressGeneration() {
        nested(LinkAttribute.perFamily) {
            $0.nested(UInt16(AF_INET6)) {
                $0.attribute(LinkAttribute.addressGenerationMode, number: LinkAttribute.generationModeNone)
            }
        }
    }

    /// Changes a bridge port, named rather than numbered so that the batch which made it can carry this too.
    package mutating func setBridgePort(_ name: String, _ options: BridgePortOptions) {
        message(RouteMessage.newLink, [.request, .acknowledge], name: "RTM_NEWLINK", subject: "port \(name)")
        {
            $0.linkHeader()
            $0.attribute(LinkAttribute.name, string: name)
            // The kernel takes this for an interface that exists only; without a carrier it comes in time.
            if !options.hasLinkLocalAddress { $0.withoutAddressGeneration() }
            $0.nested(LinkAttribute.linkInfo) {
                $0.attribute(LinkAttribute.slaveKind, string: "bridge")
                $0.nested(LinkAttribute.slaveData) {
                    $0.attribute(LinkAttribute.portHairpin, number: UInt8(options.hairpin ? 1 : 0))
                    $0.attribute(LinkAttribute.portIsolated, number: UInt8(options.isolated ? 1 : 0))
                }
            }
        }
    }

    /// Has a bridge send nothing more to one of its ports, nor learn from it, and forget what it learned. No grace
    /// period, unlike deleting it, and unlike a disabled port it cannot take the bridge's carrier away. A port that is gone
    /// counts as success.
    package mutating func muteBridgePort(_ name: String) {
        message(
            RouteMessage.newLink, [.request, .acknowledge], name: "RTM_NEWLINK", subject: "port \(name)",
            tolerated: [ENODEV, EINVAL, EOPNOTSUPP]
        ) {
            $0.linkHeader()
            $0.attribute(LinkAttribute.name, string: name)
            $0.nested(LinkAttribute.linkInfo) {
                $0.attribute(LinkAttribute.slaveKind, string: "bridge")
                $0.nested(LinkAttribute.slaveData) {
                    for attribute in [
                        LinkAttribute.portLearning, LinkAttribute.portUnicastFlood,
                        LinkAttribute.portMulticastFlood,
                        LinkAttribute.portBroadcastFlood,
                    ] { $0.attribute(attribute, number: UInt8(0)) }
                    $0.attribute(LinkAttribute.portFlush, [])
                }
            }
        }
    }

    /// Makes a bridge without a spanning tree, down. Its address is fixed, or it would follow its ports.
    package mutating func createBridge(_ name: String, address: [UInt8], mtu: Int?) {
        message(RouteMessage.newLink, Self.creation, name: "RTM_NEWLINK", subject: "bridge \(name)") {
            $0.linkHeader()
            $0.attribute(LinkAttribute.name, string: name)
            $0.attribute(LinkAttribute.address, address)
            if let mtu { $0.attribute(LinkAttribute.mtu, number: UInt32(clamping: mtu)) }
            $0.nested(LinkAttribute.linkInfo) {
                $0.attribute(LinkAttribute.kind, string: "bridge")
                $0.nested(LinkAttribute.data) {
                    $0.attribute(LinkAttribute.bridgeSTPState, number: UInt32(0))
                }
            }
        }
    }

    package mutating func setLinkUp(_ index: Int32, name: String) {
        message(RouteMessage.newLink, [.request, .acknowledge], name: "RTM_NEWLINK", subject: "\(name) up") {
            $0.linkHeader(index: index, flags: interfaceUp, change: interfaceUp)
        }
    }

    /// Writes a text on an interface, of at most 255 bytes, which `ip link` shows as `alias`.
    package mutating func setAlias(_ name: String, _ alias: String) {
        message(
            RouteMessage.newLink, [.request, .acknowledge], name: "RTM_NEWLINK", subject: "\(name) alias"
        ) {
            $0.linkHeader()
            $0.attribute(LinkAttribute.name, string: name)
            $0.attribute(LinkAttribute.alias, Array(alias.utf8))
        }
    }

    /// Makes an interface a port of a bridge.
    package mutating func setMaster(_ name: String, _ bridge: Int32) {
        message(
            RouteMessage.newLink, [.request, .acknowledge], name: "RTM_NEWLINK", subject: "\(name) master"
        ) {
            $0.linkHeader()
            $0.attribute(LinkAttribute.name, string: name)
            $0.attribute(LinkAttribute.master, number: bridge)
        }
    }

    package mutating func setMTU(_ index: Int32, name: String, mtu: Int) {
        message(
            RouteMessage.newLink, [.request, .acknowledge], name: "RTM_NEWLINK", subject: "\(name) mtu \(mtu)"
        ) {
            $0.linkHeader(index: index)
            $0.attribute(LinkAttribute.mtu, number: UInt32(clamping: mtu))
        }
    }

    /// Deletes an interface. For a veth the kernel waits for grace periods: tens of milliseconds.
    package mutating func deleteLink(_ name: String) {
        message(
            RouteMessage.deleteLink, [.request, .acknowledge], name: "RTM_DELLINK", subject: name,
            tolerated: [ENODEV]
        ) {
            $0.linkHeader()
            $0.attribute(LinkAttribute.name, string: name)
        }
    }

    /// Asks for every interface.
    package mutating func listLinks() {
        message(RouteMessage.getLink, [.request, .dump], name: "RTM_GETLINK") { $0.linkHeader() }
    }

    /// Asks for one interface.
    package mutating func getLink(_ name: String) {
        message(RouteMessage.getLink, [.request], name: "RTM_GETLINK", subject: name) {
            $0.linkHeader()
            $0.attribute(LinkAttribute.name, string: name)
        }
    }
}

/// An interface as rtnetlink describes it.
package struct Link: Sendable, Hashable {
    package let index: Int32
    package let name: String
    /// The index of the bridge that it is a port of.
    package let master: Int32?
    /// `bridge`, `veth`, …; nil for hardware and the loopback.
    package let kind: String?
    package let mtu: UInt32
    package let address: [UInt8]
    package let isUp: Bool
    /// The index of the interface that a macvlan, an ipvlan or a VLAN is on; of a veth, its peer's.
    package let lower: Int32?
    /// A text for people and programs (`ip link set … alias`); nil where none was given.
    package let alias: String?
    /// Whether a bridge keeps the port from other isolated ones; nil for what is no port of a bridge.
    package let isIsolated: Bool?

    package init?(_ message: NetlinkMessage) {
        guard message.type == RouteMessage.newLink, let index = message.payload.integer(Int32.self, at: 4),
            let flags = message.payload.integer(UInt32.self, at: 8)
        else { return nil }
        let attributes = message.attributes(after: 16)
        guard let name = attributes[LinkAttribute.name]?.string else { return nil }
        self.index = index
        self.name = name
        master = attributes[LinkAttribute.master]?.number()
        kind = attributes[LinkAttribute.linkInfo]?.nested[LinkAttribute.kind]?.string
        mtu = attributes[LinkAttribute.mtu]?.number() ?? 0
        address = Array(attributes[LinkAttribute.address]?.content ?? [])
        isUp = flags & interfaceUp != 0
        lower = attributes[LinkAttribute.lower]?.number()
        alias = attributes[LinkAttribute.alias]?.string
        let port = attributes[LinkAttribute.linkInfo]?.nested[LinkAttribute.slaveData]?.nested
        isIsolated = port?[LinkAttribute.portIsolated]?.number(UInt8.self).map { $0 != 0 }
    }
}
