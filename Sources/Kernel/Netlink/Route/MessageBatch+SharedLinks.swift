/// How the interfaces of one parent reach each other (`enum macvlan_mode`).
package enum MacvlanMode: UInt32, Sendable {
    /// Not at all.
    case isolated = 1
    /// By way of a switch outside that sends frames back.
    case vepa = 2
    /// Directly.
    case bridge = 4
    /// There is only one, and it takes the parent for itself.
    case passthru = 8
}

/// Where an ipvlan interface hands packets over (`enum ipvlan_mode`).
package enum IPvlanMode: UInt16, Sendable {
    case l2 = 0
    case l3 = 1
    /// l3 with the host's connection tracking.
    case l3s = 2
}

/// `IFLA_IPVLAN_FLAGS`.
package enum IPvlanFlag: UInt16, Sendable {
    case bridge = 0
    case isolated = 1
    case vepa = 2
}

/// An interface to be made on top of another one, which many share.
package struct SharedLink: Sendable {
    package enum Kind: Sendable, Hashable {
        case macvlan(MacvlanMode)
        case ipvlan(IPvlanMode, IPvlanFlag)

        /// The kernel's name.
        package var name: String {
            switch self {
            case .macvlan: "macvlan"
            case .ipvlan: "ipvlan"
            }
        }
    }

    package var kind: Kind
    package var name: String
    /// The index of the parent, in the namespace of the socket.
    package var parent: Int32
    /// Six bytes; nil leaves the choice to the kernel. An ipvlan has its parent's.
    package var address: [UInt8]?
    package var mtu: Int?
    /// A descriptor of the network namespace that the interface is born in.
    package var namespace: Int32

    package init(
        kind: Kind, name: String, parent: Int32, address: [UInt8]?, mtu: Int?, namespace: Int32
    ) {
        self.kind = kind
        self.name = name
        self.parent = parent
        self.address = address
        self.mtu = mtu
        self.namespace = namespace
    }
}

extension MessageBatch {
    /// Makes a macvlan or an ipvlan, down, named inside another namespace at once.
    package mutating func createSharedLink(_ link: SharedLink) {
        message(
            RouteMessage.newLink, Self.creation, name: "RTM_NEWLINK",
            subject: "\(link.kind.name) \(link.name)"
        ) {
            $0.linkHeader()
            $0.attribute(LinkAttribute.name, string: link.name)
            $0.attribute(LinkAttribute.lower, number: link.parent)
            $0.attribute(LinkAttribute.namespaceDescriptor, number: link.namespace)
            if let address = link.address { $0.attribute(LinkAttribute.address, address) }
            if let mtu = link.mtu { $0.attribute(LinkAttribute.mtu, number: UInt32(clamping: mtu)) }
            $0.nested(LinkAttribute.linkInfo) {
                $0.attribute(LinkAttribute.kind, string: link.kind.name)
                $0.nested(LinkAttribute.data) {
                    switch link.kind {
                    case .macvlan(let mode):
                        $0.attribute(LinkAttribute.macvlanMode, number: mode.rawValue)
                    case .ipvlan(let mode, let flag):
                        $0.attribute(LinkAttribute.ipvlanMode, number: mode.rawValue)
                        $0.attribute(LinkAttribute.ipvlanFlags, number: flag.rawValue)
                    }
                }
            }
        }
    }

    /// Makes an 802.1q sub-interface, down.
    /// - Parameter identifier: 1…4094
    package mutating func createVLAN(_ name: String, parent: Int32, identifier: UInt16) {
        message(RouteMessage.newLink, Self.creation, name: "RTM_NEWLINK", subject: "vlan \(name)") {
            $0.linkHeader()
            $0.attribute(LinkAttribute.name, string: name)
            $0.attribute(LinkAttribute.lower, number: parent)
            $0.nested(LinkAttribute.linkInfo) {
                $0.attribute(LinkAttribute.kind, string: "vlan")
                $0.nested(LinkAttribute.data) {
                    $0.attribute(LinkAttribute.vlanIdentifier, number: identifier)
                }
            }
        }
    }

    /// Makes an interface that needs nothing but its kind, such as `dummy` or `ifb`, down.
    package mutating func createPlainLink(_ name: String, kind: String) {
        message(RouteMessage.newLink, Self.creation, name: "RTM_NEWLINK", subject: "\(kind) \(name)") {
            $0.linkHeader()
            $0.attribute(LinkAttribute.name, string: name)
            $0.nested(LinkAttribute.linkInfo) { $0.attribute(LinkAttribute.kind, string: kind) }
        }
    }

    /// Asks for an interface that cannot be made, because it names no parent: `EINVAL` where the kernel knows the
    /// kind (it loads the module for this), `EOPNOTSUPP` where it does not.
    package mutating func probeLinkKind(_ kind: String) {
        message(RouteMessage.newLink, Self.creation, name: "RTM_NEWLINK", subject: kind) {
            $0.linkHeader()
            $0.nested(LinkAttribute.linkInfo) { $0.attribute(LinkAttribute.kind, string: kind) }
        }
    }

    package mutating func setAddress(_ index: Int32, name: String, address: [UInt8]) {
        message(
            RouteMessage.newLink, [.request, .acknowledge], name: "RTM_NEWLINK", subject: "\(name) address"
        ) {
            $0.linkHeader(index: index)
            $0.attribute(LinkAttribute.address, address)
        }
    }
}
