/// A port of a container, as `80/tcp`.
package struct ContainerPort: Sendable, Hashable, Comparable {
    package enum TransportProtocol: String, Sendable, Codable, CaseIterable { case tcp, udp, sctp }

    package let number: UInt16
    package let transport: TransportProtocol

    package init(number: UInt16, transport: TransportProtocol) {
        self.number = number
        self.transport = transport
    }

    /// `80`, `80/tcp`, `53/UDP`; nil otherwise (ranges too).
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let number = UInt16(parts[0]), number > 0,
            let transport = parts.count == 2 ? TransportProtocol(rawValue: parts[1].lowercased()) : .tcp
        else { return nil }
        self.init(number: number, transport: transport)
    }

    package var text: String { "\(number)/\(transport.rawValue)" }

    package static func < (a: ContainerPort, b: ContainerPort) -> Bool {
        (a.number, a.transport.rawValue) < (b.number, b.transport.rawValue)
    }
}

extension ContainerPort: Codable {
    package init(from decoder: any Decoder) throws { self = try decodeText(decoder, ContainerPort.init) }
    package func encode(to encoder: any Encoder) throws { try encodeText(encoder, text) }
}

/// Where on the host a port appears.
package struct HostBinding: Sendable, Hashable, Codable {
    /// Empty for every address.
    package var address: String
    /// nil and 0 for a free port; several for "the first free one of".
    package var ports: ClosedRange<UInt16>?

    package init(address: String = "", ports: ClosedRange<UInt16>? = nil) {
        self.address = address
        self.ports = ports
    }

    /// `8080`, `8000-8010`, `0` or empty, as `HostPort` carries it.
    package var portText: String {
        guard let ports else { return "" }
        return ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)"
    }

    /// Nil where `portText` is neither empty, a port nor a range.
    package init?(address: String, portText: String) {
        if portText.isEmpty {
            self.init(address: address)
            return
        }
        let parts = portText.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let first = UInt16(parts[0]),
            let last = UInt16(parts[parts.count - 1]), first <= last
        else { return nil }
        self.init(address: address, ports: first...last)
    }
}

/// One entry of `HostConfig.PortBindings`.
package struct PortPublication: Sendable, Hashable, Codable {
    package var port: ContainerPort
    package var bindings: [HostBinding]

    package init(port: ContainerPort, bindings: [HostBinding]) {
        self.port = port
        self.bindings = bindings
    }
}
