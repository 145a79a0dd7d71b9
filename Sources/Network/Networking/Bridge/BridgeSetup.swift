import LinuxKernel
import Logging
import Netlink

/// A bridge that stands.
struct BridgeInterface: Sendable, Hashable {
    var name: String
    var index: Int32
    var mtu: Int?
}

/// Makes a bridge as it is to be, or takes over the one that the last daemon or the administrator left.
struct BridgeSetup {
    let settings: BridgeSettings
    /// Whether the kernel's forwarding is turned on.
    let forwarding: Bool
    let routes: RouteClient

    func run() throws(NetworkError) -> BridgeInterface {
        let name = settings.name
        do {
            let existing = try routes.link(name)
            if let existing, existing.kind != "bridge" {
                throw NetworkError(
                    .invalidConfiguration,
                    "the interface \(name) exists and is no bridge: choose another name for the bridge")
            }
            if existing == nil { try make(name) }
            guard let link = try routes.link(name) else {
                throw NetworkError(.kernel, "the bridge \(name) disappeared while it was set up")
            }
            try bringUp(link, found: existing == nil ? [] : try routes.blocks(of: link))
            try applySettings(name)
            return BridgeInterface(name: name, index: link.index, mtu: settings.mtu)
        } catch let error as NetworkError {
            throw error
        } catch {
            throw NetworkError(.kernel, "cannot set up the bridge \(name): \(error)", cause: error)
        }
    }

    private func make(_ name: String) throws(SystemCallError) {
        let hardware = MACAddress.random().bytes
        try routes.perform {
            $0.createBridge(name, address: hardware, mtu: settings.mtu)
            if let mark = settings.mark { $0.setAlias(name, mark) }
        }
    }

    private func bringUp(_ link: Link, found: [AddressBlock]) throws(SystemCallError) {
        let wanted = settings.addresses
        try routes.perform { batch in
            // Another address of the same family would stay the one that containers' answers come from.
            for old in found where !wanted.contains(old) {
                if case .v6(let address) = old.address, address.isLinkLocal { continue }
                guard wanted.contains(where: { $0.address.isIPv4 == old.address.isIPv4 }) else { continue }
                batch.removeAddress(
                    InterfaceAddress(
                        interface: link.index, address: old.address.bytes, prefixLength: old.prefixLength))
            }
            for address in wanted where !found.contains(address) {
                let new = InterfaceAddress(
                    interface: link.index, address: address.address.bytes, prefixLength: address.prefixLength)
                batch.addAddress(new, broadcast: address.address.isIPv4 ? address.last.bytes : nil)
            }
            if let mtu = settings.mtu, mtu != Int(link.mtu) {
                batch.setMTU(link.index, name: link.name, mtu: mtu)
            }
            batch.setLinkUp(link.index, name: link.name)
        }
    }

    private func applySettings(_ bridge: String) throws(SystemCallError) {
        let isIPv6 = settings.address(isIPv4: false) != nil
        if forwarding, !settings.isInternal {
            try set("net/ipv4/ip_forward", "1")
            if isIPv6 { try set("net/ipv6/conf/all/forwarding", "1") }
        }
        // Lets a connection to 127.0.0.1:port leave by the bridge; the table drops what comes the other way.
        try set("net/ipv4/conf/\(bridge)/route_localnet", "1")
        if isIPv6 { try set("net/ipv6/conf/\(bridge)/accept_ra", "0") }
    }

    private func set(_ name: String, _ value: String) throws(SystemCallError) {
        let path = "/proc/sys/\(name)"
        let content = try readFile(path)
        // Read-only /proc/sys is no failure where the value is right already.
        if String(decoding: content, as: UTF8.self).split(whereSeparator: \.isWhitespace).first == value[...]
        {
            return
        }
        try writeControlFile(path, value)
    }
}
