import Glibc

/// An address of an interface.
package struct InterfaceAddress: Sendable, Hashable {
    package let interface: Int32
    /// Four or sixteen bytes in network order.
    package let address: [UInt8]
    package let prefixLength: Int

    package init(interface: Int32, address: [UInt8], prefixLength: Int) {
        self.interface = interface
        self.address = address
        self.prefixLength = prefixLength
    }

    package init?(_ message: NetlinkMessage) {
        guard message.type == RouteMessage.newAddress,
            let prefix = message.payload.integer(UInt8.self, at: 1),
            let index = message.payload.integer(UInt32.self, at: 4)
        else { return nil }
        let attributes = message.attributes(after: 8)
        guard
            let content = (attributes[AddressAttribute.local] ?? attributes[AddressAttribute.address])?
                .content
        else { return nil }
        interface = Int32(truncatingIfNeeded: index)
        address = Array(content)
        prefixLength = Int(prefix)
    }
}

/// A route of the main table.
package struct Route: Sendable, Hashable {
    /// Empty for the default route.
    package let destination: [UInt8]
    package let prefixLength: Int
    package let interface: Int32?
    /// `AF_INET` or `AF_INET6`.
    package let family: Int32

    package init?(_ message: NetlinkMessage) {
        guard message.type == RouteMessage.newRoute, let family = message.payload.integer(UInt8.self, at: 0),
            let prefix = message.payload.integer(UInt8.self, at: 1),
            message.payload.integer(UInt8.self, at: 4) == RouteAttribute.mainTable
        else { return nil }
        let attributes = message.attributes(after: 12)
        destination = Array(attributes[RouteAttribute.destination]?.content ?? [])
        prefixLength = Int(prefix)
        interface = attributes[RouteAttribute.outputInterface]?.number()
        self.family = Int32(family)
    }
}

private func family(of address: [UInt8]) -> UInt8 { UInt8(address.count == 4 ? AF_INET : AF_INET6) }

extension MessageBatch {
    /// Adds an address; one that is there already counts as success.
    /// - Parameter broadcast: the subnet's broadcast address, IPv4 only
    package mutating func addAddress(_ address: InterfaceAddress, broadcast: [UInt8]? = nil) {
        changeAddress(address, RouteMessage.newAddress, "RTM_NEWADDR", [EEXIST], broadcast)
    }

    /// Removes an address; one that is gone counts as success.
    package mutating func removeAddress(_ address: InterfaceAddress) {
        changeAddress(address, RouteMessage.deleteAddress, "RTM_DELADDR", [EADDRNOTAVAIL], nil)
    }

    private mutating func changeAddress(
        _ address: InterfaceAddress, _ type: UInt16, _ name: String, _ tolerated: [Int32],
        _ broadcast: [UInt8]?
    ) {
        let isNew = type == RouteMessage.newAddress
        let flags: MessageFlags =
            isNew ? [.request, .acknowledge, .create, .exclusive] : [.request, .acknowledge]
        message(type, flags, name: name, subject: "interface \(address.interface)", tolerated: tolerated) {
            $0.append(family(of: address.address))
            $0.append(UInt8(clamping: address.prefixLength))
            $0.append(UInt8(0))
            $0.append(UInt8(0))
            $0.append(address.interface)
            $0.attribute(AddressAttribute.local, address.address)
            $0.attribute(AddressAttribute.address, address.address)
            if let broadcast { $0.attribute(AddressAttribute.broadcast, broadcast) }
            // The address was handed out by us: waiting a second for duplicates would only delay the container.
            if isNew, address.address.count == 16 {
                $0.attribute(AddressAttribute.flags, number: AddressAttribute.noDuplicateDetection)
            }
        }
    }

    /// Makes the default route of a family lead over a gateway, whatever it was before.
    package mutating func setDefaultRoute(gateway: [UInt8], interface: Int32) {
        message(
            RouteMessage.newRoute, [.request, .acknowledge, .create, .replace], name: "RTM_NEWROUTE",
            subject: "default"
        ) {
            $0.defaultRouteHeader(family: family(of: gateway))
            $0.attribute(RouteAttribute.gateway, gateway)
            $0.attribute(RouteAttribute.outputInterface, number: interface)
        }
    }

    /// Takes the default route of a family away; one that is gone counts as success.
    package mutating func deleteDefaultRoute(isIPv4: Bool) {
        message(
            RouteMessage.deleteRoute, [.request, .acknowledge], name: "RTM_DELROUTE", subject: "default",
            tolerated: [ESRCH, ENOENT]
        ) {
            // Whoever added it, of whatever kind.
            $0.append(UInt8(isIPv4 ? AF_INET : AF_INET6))
            $0.append(contentsOf: [0, 0, 0])
            $0.append(RouteAttribute.mainTable)
            $0.append(UInt8(0))
            $0.append(RouteAttribute.scopeNowhere)
            $0.append(UInt8(0))
            $0.append(UInt32(0))
        }
    }

    /// `struct rtmsg` of a default route of the main table.
    private mutating func defaultRouteHeader(family: UInt8) {
        append(family)
        append(contentsOf: [0, 0, 0])
        append(RouteAttribute.mainTable)
        append(RouteAttribute.protocolBoot)
        append(RouteAttribute.scopeUniverse)
        append(RouteAttribute.typeUnicast)
        append(UInt32(0))
    }

    /// Asks for the addresses of every interface.
    package mutating func listAddresses() {
        message(RouteMessage.getAddress, [.request, .dump], name: "RTM_GETADDR") {
            $0.append(contentsOf: [0, 0, 0, 0, 0, 0, 0, 0])
        }
    }

    /// Asks for every route of a family, or of both with `AF_UNSPEC`.
    package mutating func listRoutes(family: Int32 = AF_UNSPEC) {
        message(RouteMessage.getRoute, [.request, .dump], name: "RTM_GETROUTE") {
            $0.append(UInt8(truncatingIfNeeded: family))
            $0.append(contentsOf: [UInt8](repeating: 0, count: 11))
        }
    }
}
