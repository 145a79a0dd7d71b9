import Glibc
import LinuxKernel
import Synchronization

/// Takes host ports for containers: first against the other containers, then against the rest of the host by binding.
final class PortMapper: Sendable {
    private let claims: PortClaims
    private let defaultAddress: IPAddress?
    private let settle: @Sendable () -> Void
    /// Sockets that hold ports, until the forwarder has them; by endpoint id.
    private let sockets = Mutex<[String: [ForwardedPort]]>([:])

    /// - Parameter settle: waits until the forwarder has closed the sockets of ports that were released before
    init(
        defaultAddress: IPAddress?, claims: PortClaims = PortClaims(), settle: @escaping @Sendable () -> Void
    ) {
        self.defaultAddress = defaultAddress
        self.settle = settle
        self.claims = claims
    }

    /// Takes every port that an endpoint asks for and writes them into it; none stays taken after a failure.
    func allocate(_ requests: [PortRequest], for endpoint: inout Endpoint) throws(NetworkError) {
        do throws(NetworkError) {
            // What names its port goes first, so that a random one does not take it away.
            for request in requests.filter({ $0.hostPorts != nil }) + requests.filter({ $0.hostPorts == nil })
            {
                try allocate(request, for: &endpoint)
            }
        } catch {
            release(endpoint)
            endpoint.ports = []
            throw error
        }
    }

    private func addresses(of request: PortRequest) -> [IPAddress] {
        if let address = request.hostAddress ?? defaultAddress { return [address] }
        return [.v4(.any)] + (HostPortSocket.hasIPv6 ? [.v6(.any)] : [])
    }

    private func allocate(_ request: PortRequest, for endpoint: inout Endpoint) throws(NetworkError) {
        let addresses = addresses(of: request)
        guard let range = request.hostPorts else {
            for port in claims.ephemeralCandidates(request.transport) {
                guard take(port, addresses, request, &endpoint) == nil else { continue }
                claims.tookEphemeral(port, request.transport)
                return
            }
            throw NetworkError(.exhausted, prefix(endpoint) + "all ports are allocated")
        }
        var failure: NetworkError?
        for port in range {
            guard let conflict = take(port, addresses, request, &endpoint) else { return }
            failure = failure ?? conflict
        }
        guard let failure else { return }
        guard range.count > 1 else { throw failure }
        throw NetworkError(
            failure.code, failure.message + "; no port of \(range.lowerBound)-\(range.upperBound) is free")
    }

    /// - Returns: why the port cannot be had; nil when it was taken
    private func take(
        _ port: UInt16, _ addresses: [IPAddress], _ request: PortRequest, _ endpoint: inout Endpoint
    ) -> NetworkError? {
        if let holder = claims.claim(
            addresses, port: port, transport: request.transport, endpoint: endpoint.id,
            container: endpoint.containerName)
        {
            return NetworkError(
                .portAllocated,
                prefix(endpoint)
                    + "Bind for \(holder.address.bracketed):\(port) failed: port is already allocated"
                    + " (by container \(holder.container))")
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
            endpoint.ports += published
            return nil
        } catch {
            claims.release(addresses, port: port, transport: request.transport, endpoint: endpoint.id)
            return describe(error, port: port, request, addresses, endpoint)
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
        for port in endpoint.ports {
            _ = claims.claim(
                [port.hostAddress], port: port.hostPort, transport: port.transport, endpoint: endpoint.id,
                container: endpoint.containerName)
        }
    }

    /// Hands over the sockets that hold an endpoint's ports.
    func takeSockets(of endpoint: Endpoint) -> [ForwardedPort] {
        sockets.withLock { $0.removeValue(forKey: endpoint.id) ?? [] }
    }

    /// Frees the ports of an endpoint.
    func release(_ endpoint: Endpoint) {
        _ = takeSockets(of: endpoint)
        for port in endpoint.ports {
            claims.release(
                [port.hostAddress], port: port.hostPort, transport: port.transport, endpoint: endpoint.id)
        }
    }
}
