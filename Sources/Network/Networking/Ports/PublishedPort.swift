/// A transport protocol that ports can be published for.
package enum TransportProtocol: String, Sendable, Codable, Hashable, CaseIterable {
    case tcp, udp, sctp

    /// The number in the IP header.
    package var number: UInt8 {
        switch self {
        case .tcp: 6
        case .udp: 17
        case .sctp: 132
        }
    }
}

/// A port that a container wants published: one element of Docker's `HostConfig.PortBindings`.
package struct PortRequest: Sendable, Codable, Hashable {
    package var containerPort: UInt16
    package var transport: TransportProtocol
    /// nil: the daemon's default, else every address of both families.
    package var hostAddress: IPAddress?
    /// The first free one of these is taken; nil takes one of the kernel's ephemeral range.
    package var hostPorts: ClosedRange<UInt16>?

    package init(
        containerPort: UInt16, transport: TransportProtocol = .tcp, hostAddress: IPAddress? = nil,
        hostPorts: ClosedRange<UInt16>? = nil
    ) {
        self.containerPort = containerPort
        self.transport = transport
        self.hostAddress = hostAddress
        self.hostPorts = hostPorts
    }
}

/// A port as it is published: one line of `docker port`, one element of `NetworkSettings.Ports`.
package struct PublishedPort: Sendable, Codable, Hashable {
    package var containerPort: UInt16
    package var transport: TransportProtocol
    /// `0.0.0.0` and `::` mean every address of the family.
    package var hostAddress: IPAddress
    /// 0 on a network that is routed: the port is reached at the container's own address.
    package var hostPort: UInt16

    package init(
        containerPort: UInt16, transport: TransportProtocol, hostAddress: IPAddress, hostPort: UInt16
    ) {
        self.containerPort = containerPort
        self.transport = transport
        self.hostAddress = hostAddress
        self.hostPort = hostPort
    }
}

extension PortRequest {
    /// Asks for what was published, at the same addresses and ports.
    static func same(as ports: [PublishedPort]) -> [PortRequest] {
        var requests: [PortRequest] = []
        for port in ports {
            let range = port.hostPort == 0 ? nil : port.hostPort...port.hostPort
            var request = PortRequest(
                containerPort: port.containerPort, transport: port.transport, hostAddress: port.hostAddress,
                hostPorts: range)
            // Every address of both families is one request.
            if port.hostAddress.isUnspecified { request.hostAddress = nil }
            if !requests.contains(request) { requests.append(request) }
        }
        return requests
    }

    /// Reads one binding of Docker's API.
    /// - Parameters:
    ///   - port: the key of `PortBindings`, such as `80/tcp` or `80`
    ///   - hostIP: `HostIp`; empty for the default
    ///   - hostPort: `HostPort`: empty or `0` for a random one, a port, or a range `8000-8010` to take a free one from
    /// - Throws: `NetworkError` (`invalidRequest`) in Docker's words
    package init(port: String, hostIP: String, hostPort: String) throws(NetworkError) {
        let (number, transport) = try Self.parseContainerPort(port)
        var address: IPAddress?
        if !hostIP.isEmpty {
            guard let parsed = IPAddress(hostIP) else {
                throw NetworkError(.invalidRequest, "invalid IP address: \(hostIP)")
            }
            address = parsed
        }
        var range: ClosedRange<UInt16>?
        if !hostPort.isEmpty {
            let ends = hostPort.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
            guard let first = ends.first, let low = first, (1...2).contains(ends.count), let last = ends.last,
                let high = last, low <= high
            else { throw NetworkError(.invalidRequest, "invalid port specification: \"\(hostPort)\"") }
            if high != 0 { range = max(low, 1)...high }
        }
        self.init(containerPort: number, transport: transport, hostAddress: address, hostPorts: range)
    }

    /// Reads `80/tcp`, `53/udp` or `80`.
    /// - Throws: `NetworkError` (`invalidRequest`) in Docker's words
    package static func parseContainerPort(
        _ text: String
    ) throws(NetworkError) -> (port: UInt16, transport: TransportProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let port = UInt16(first), port > 0, parts.count <= 2 else {
            throw NetworkError(.invalidRequest, "invalid port specification: \"\(text)\"")
        }
        guard parts.count == 2 else { return (port, .tcp) }
        guard let transport = TransportProtocol(rawValue: parts[1].lowercased()) else {
            throw NetworkError(.invalidRequest, "invalid proto: \(parts[1])")
        }
        return (port, transport)
    }
}
