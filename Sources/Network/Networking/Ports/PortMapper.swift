import Glibc
import LinuxKernel
import Synchronization

/// Where the ports of one network's containers are published.
struct PublishingPolicy: Sendable {
    /// Taken where a request names no host address; nil is every address.
    var defaultAddress: IPAddress?
    /// Ports of these families are reached at the container's own address: no host port is taken.
    var isRoutedV4 = false
    var isRoutedV6 = false

    func isRouted(_ address: IPAddress) -> Bool { address.isIPv4 ? isRoutedV4 : isRoutedV6 }
}

/// Takes host ports for containers: first against the other containers, then against the rest of the host by binding.
final class PortMapper: Sendable {
    private let claims: PortClaims
    private let settle: @Sendable () -> Void
    /// Sockets that hold ports, until the forwarder has them; by endpoint id.
    private let sockets = Mutex<[String: [ForwardedPort]]>([:])

    /// - Parameter settle: waits until the forwarder has closed the sockets of ports that were released before
    init(claims: PortClaims = PortClaims(), settle: @escaping @Sendable () -> Void) {
        self.settle = settle
        self.claims = claims
    }

    /// Takes every port that is asked for and adds them to the endpoint; none stays taken after a failure.
    func allocate(
        _ requests: [PortRequest], for endpoint: inout Endpoint, _ policy: PublishingPolicy
    ) throws(NetworkError) {
        var taken: [PublishedPort] = []
        do throws(NetworkError) {
            // What names its port goes first, so that a random one does not take it away.
            for request in requests.filter({ $0.hostPorts != nil }) + requests.filter({ $0.hostPorts == nil })
            {
                taken += try allocate(request, for: endpoint, policy)
            }
        } catch {
            release(taken, of: endpoint)
            throw error
        }
        endpoint.ports += taken
    }

    private func addresses(of request: PortRequest, _ policy: PublishingPolicy) -> [IPAddress] {
        if let address = request.hostAddress ?? policy.defaultAddress { return [address] }
        return [.v4(.any)] + (HostPortSocket.hasIPv6 ? [.v6(.any)] : [])
    }

    private func allocate(
        _ request: PortRequest, for endpoint: Endpoint, _ policy: PublishingPolicy
    ) throws(NetworkError) -> [PublishedPort] {
        let all = addresses(of: request, policy)
        let routed = all.filter(policy.isRouted).map {
            PublishedPort(
                containerPort: request.containerPort, transport: request.transport, hostAddress: $0,
                hostPort: 0)
        }
        let addresses = all.filter { !policy.isRouted($0) }
        return addresses.isEmpty ? routed : try routed + bind(request, addresses, endpoint)
    }

    private func bind(
        _ request: PortRequest, _ addresses: [IPAddress], _ endpoint: Endpoint
    ) throws(NetworkError) -> [PublishedPort] {
        guard let range = request.hostPorts else {
            for port in claims.ephemeralCandidates(request.transport) {
                guard case .success(let taken) = take(port, addresses, request, endpoint) else { continue }
                claims.tookEphemeral(port, request.transport)
                return taken
            }
            throw NetworkError(.exhausted, prefix(endpoint) + "all ports are allocated")
        }
        var failure: NetworkError?
        for port in range {
            switch take(port, addresses, request, endpoint) {
            case .success(let taken): return taken
            case .failure(let conflict): failure = failure ?? conflict
            }
        }
        guard let failure else { return [] }
        guard range.count > 1 else { throw failure }
        throw NetworkError(
            failure.code, failure.message + "; no port of \(range.lowerBound)-\(range.upperBound) is free")
    }

    /// - Returns: the port on every address, or why it cannot be had
    private func take(
        _ port: UInt16, _ addresses: [IPAddress], _ request: PortRequest, _ endpoint: Endpoint
    ) -> Result<[PublishedPort], NetworkError> {
        if let holder = claims.claim(
            addresses, port: port, transport: request.transport, endpoint: endpoint.id,
            container: endpoint.containerName)
        {
            return .failure(
                NetworkError(
                    .portAllocated,
                    prefix(endpoint)
                        + "Bind for \(holder.address.bracketed):\(port) failed: port is already allocated"
                        + " (by container \(holder.container))"))
        }
        let published = addresses.map {
            PublishedPort(
                containerPort: request.containerPort, transport: request.transport, hostAddress: $0,
                hostPort: port)
        }
        do throws(SystemCallError) {
            let socket = try bind(addresses, port, request.transport)
            if let socket, let forwarded = ForwardedPort(endpoint, published, socket: socket) {
                sockets.withLock { $0[endpoint.id, default: []].append(forwarded) }
            }
            return .success(published)
        } catch {
            claims.release(addresses, port: port, transport: request.transport, endpoint: endpoint.id)
            return .failure(describe(error, port: port, request, addresses, endpoint))
        }
    }

    /// A port that another container just gave up may be held by the forwarder for a moment more.
    private func bind(
        _ addresses: [IPAddress], _ port: UInt16, _ transport: TransportProtocol
    ) throws(SystemCallError) -> SharedDescriptor? {
        do throws(SystemCallError) {
            return try HostPortSocket.bind(addresses, port: port, transport: transport)
        } catch {
            guard error.errno == EADDRINUSE else { throw error }
            settle()
            return try HostPortSocket.bind(addresses, port: port, transport: transport)
        }
    }

    private func describe(
        _ error: SystemCallError, port: UInt16, _ request: PortRequest, _ addresses: [IPAddress],
        _ endpoint: Endpoint
    ) -> NetworkError {
        let host = "\(addresses[0].bracketed):\(port)"
        let target =
            "\(endpoint.ipv4?.address.description ?? ""):\(request.containerPort)/\(request.transport.rawValue)"
        let reason = String(cString: strerror(error.errno)).lowercased()
        var message = prefix(endpoint) + "failed to bind host port for \(host):\(target): \(reason)"
        switch error.errno {
        case EADDRINUSE:
            if let holder = PortHolder.find(port: port, transport: request.transport) {
                message += " (by \(holder))"
            }
            return NetworkError(.portInUse, message, cause: error)
        case EADDRNOTAVAIL: return NetworkError(.addressNotLocal, message, cause: error)
        default: return NetworkError(.kernel, message, cause: error)
        }
    }

    private func prefix(_ endpoint: Endpoint) -> String {
        "driver failed programming external connectivity on endpoint \(endpoint.containerName) (\(endpoint.id)): "
    }

    /// Marks the ports of a container that survived the last daemon; its sockets are the forwarder's.
    func adopt(_ endpoint: Endpoint) {
        for port in endpoint.ports where port.hostPort != 0 {
            _ = claims.claim(
                [port.hostAddress], port: port.hostPort, transport: port.transport, endpoint: endpoint.id,
                container: endpoint.containerName)
        }
    }

    /// Hands over the sockets that hold an endpoint's ports.
    func takeSockets(of endpoint: Endpoint) -> [ForwardedPort] {
        sockets.withLock { $0.removeValue(forKey: endpoint.id) ?? [] }
    }

    /// Frees some ports of an endpoint.
    func release(_ ports: [PublishedPort], of endpoint: Endpoint) {
        sockets.withLock { sockets in
            sockets[endpoint.id]?.removeAll { socket in
                ports.contains {
                    $0.hostPort == socket.hostPort && $0.transport == socket.transport
                        && socket.hostAddresses.contains($0.hostAddress)
                }
            }
            if sockets[endpoint.id]?.isEmpty == true { sockets[endpoint.id] = nil }
        }
        for port in ports where port.hostPort != 0 {
            claims.release(
                [port.hostAddress], port: port.hostPort, transport: port.transport, endpoint: endpoint.id)
        }
    }
}
