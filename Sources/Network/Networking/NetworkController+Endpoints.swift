import Glibc
import LinuxKernel
import Logging
import Netlink
import Synchronization

extension NetworkController {
    /// Takes an address, names and host ports for a container. Every port conflict shows here, before the
    /// container starts; nothing carries traffic yet. Undone by `release`.
    /// - Throws: `NetworkError`: `portAllocated`, `portInUse`, `addressInUse`, `exhausted`, `invalidRequest`,
    ///   `noSuchNetwork`; nothing stays taken then
    package func allocate(_ request: EndpointRequest) throws(NetworkError) -> Endpoint {
        let record = try network(request.network)
        guard !record.configOnly else {
            throw NetworkError(
                .predefinedNetwork,
                "cannot connect to network \(record.name): it only lends its configuration to others")
        }
        var endpoint = Endpoint(
            id: randomIdentifier(), containerID: request.containerID, containerName: request.containerName,
            network: record)
        endpoint.names = request.names
        endpoint.driverOptions = request.driverOptions
        switch record.driver {
        case .host, .null:
            if request.address != nil || request.addressV6 != nil {
                throw NetworkError(
                    .invalidRequest, "user specified IP address is supported on user defined networks only")
            }
        case .bridge, .macvlan, .ipvlan: try allocate(request, for: &endpoint, on: record)
        }
        try register(endpoint)
        return endpoint
    }

    private func allocate(
        _ request: EndpointRequest, for endpoint: inout Endpoint, on record: NetworkRecord
    ) throws(NetworkError) {
        let network = try standing(record)
        endpoint.linkLocalAddresses = request.linkLocalAddresses
        try network.addresses.allocate(request, for: &endpoint)
        do throws(NetworkError) {
            try network.prepare(&endpoint, request)
            if let policy = publishingPolicy(of: network) {
                try ports.allocate(request.ports, for: &endpoint, policy)
            }
        } catch {
            network.release(endpoint)
            throw error
        }
    }

    /// From here on the network cannot be removed.
    private func register(_ endpoint: Endpoint) throws(NetworkError) {
        let isThere = running.withLock { state in
            guard state?.records.contains(where: { $0.id == endpoint.networkID }) == true else {
                return false
            }
            state?.endpoints[endpoint.id] = endpoint
            return true
        }
        if isThere { return }
        ports.release(endpoint.ports, of: endpoint)
        throw NetworkError(.noSuchNetwork, "network \(endpoint.networkName) not found")
    }

    /// nil where ports cannot be published.
    func publishingPolicy(of network: any StandingNetwork) -> PublishingPolicy? {
        guard let side = network.hostSide, !side.bridge.isInternal else { return nil }
        return PublishingPolicy(
            defaultAddress: side.bindingAddress ?? configuration.hostBindingAddress,
            isRoutedV4: side.bridge.v4.isRouted, isRoutedV6: side.bridge.v6.isRouted)
    }

    /// Connects a container: interface, addresses and routes inside, loopback up, published ports live. On `none` only
    /// the loopback is brought up, on `host` nothing is done.
    /// - Parameter namespace: a descriptor of the container's network namespace; stays the caller's
    package func attach(_ endpoint: Endpoint, namespace: Int32) throws(NetworkError) {
        // Its default routes have been chosen since it was allocated.
        record(endpoint)
        do throws(SystemCallError) {
            switch endpoint.driver {
            case .host: return
            case .null: try ContainerInterface.configureLoopback(namespace: namespace)
            case .bridge, .macvlan, .ipvlan:
                let network = try standing(endpoint)
                if let source = network.source(of: endpoint) {
                    try sources.add(source, endpoint: endpoint.id)
                }
                try network.connect(endpoint, namespace: namespace)
                try publish(endpoint)
                enterNames(endpoint)
                let isFirst = running.withLock { $0?.examined.insert(endpoint.networkID).inserted ?? false }
                if isFirst, network.hostSide != nil { logFindings() }
            }
        } catch {
            throw failure(endpoint, "connect", "to", error)
        }
        guard record(endpoint) else {
            // Its release came too early for what was made here.
            takeBack(endpoint)
            throw Self.released(endpoint)
        }
    }

    private func takeBack(_ endpoint: Endpoint) {
        unpublish(endpoint.ports, of: endpoint)
        names?.remove(endpoint: endpoint.id)
        forgetSource(of: endpoint)
        removeInterface(of: endpoint)
    }

    private func failure(
        _ endpoint: Endpoint, _ verb: String, _ preposition: String, _ cause: SystemCallError
    ) -> NetworkError {
        NetworkError(
            .kernel,
            "cannot \(verb) container \(endpoint.containerName) \(preposition) network \(endpoint.networkName): "
                + "\(cause)",
            cause: cause)
    }

    private func standing(_ endpoint: Endpoint) throws(SystemCallError) -> any StandingNetwork {
        guard let network = running.withLock({ $0?.standing[endpoint.networkID] }) else {
            throw SystemCallError(call: "attach", errno: ESHUTDOWN, subject: endpoint.networkName)
        }
        return network
    }

    /// Leads the default routes of a container that runs over those of its endpoints that are marked for it.
    package func route(_ endpoints: [Endpoint], namespace: Int32) throws(NetworkError) {
        do throws(SystemCallError) {
            try ContainerInterface.setDefaultRoutes(of: endpoints, namespace: namespace)
            for endpoint in endpoints { record(endpoint) }
        } catch {
            throw NetworkError(.kernel, "cannot set a container's default routes: \(error)", cause: error)
        }
    }

    /// Takes the interface out of a container that goes on running. To be followed by `release`.
    package func detach(_ endpoint: Endpoint, namespace: Int32) throws(NetworkError) {
        do throws(SystemCallError) {
            guard endpoint.driver != .host, endpoint.driver != .null else { return }
            try standing(endpoint).disconnect(endpoint, namespace: namespace)
        } catch {
            throw failure(endpoint, "disconnect", "from", error)
        }
    }

    /// Puts right what a crash, or somebody else, took from containers that run: interfaces that are missing, half made or
    /// on no bridge.
    package func repair(_ endpoints: [Endpoint], namespace: Int32) throws(NetworkError) {
        for endpoint in endpoints where endpoint.driver != .host && endpoint.driver != .null {
            guard let network = running.withLock({ $0?.standing[endpoint.networkID] }) else { continue }
            do throws(SystemCallError) {
                try network.repair(endpoint, namespace: namespace)
            } catch {
                throw failure(endpoint, "connect", "to", error)
            }
        }
        do throws(SystemCallError) {
            try ContainerInterface.restoreDefaultRoutes(of: endpoints, namespace: namespace)
        } catch {
            throw NetworkError(.kernel, "cannot set a container's default routes: \(error)", cause: error)
        }
    }

    /// Takes the published ports off and frees ports and address. The interface goes with the container's namespace
    /// and is not waited for. Works after any prefix of allocate and attach, and again; goes on after failures and
    /// logs them.
    package func release(_ endpoint: Endpoint) {
        guard
            let (network, held) = running.withLock({ state in
                state?.endpoints.removeValue(forKey: endpoint.id).map {
                    (state?.standing[endpoint.networkID], $0)
                }
            })
        else { return }
        names?.remove(endpoint: held.id)
        unpublish(held.ports, of: held)
        if network?.hostSide != nil { forgetSource(of: held) }
        network?.release(held)
    }

    private func forgetSource(of endpoint: Endpoint) {
        do throws(SystemCallError) {
            try sources.remove(endpoint: endpoint.id)
        } catch {
            logger.error(
                "a container's addresses stay known to the firewall",
                metadata: ["container.id": "\(endpoint.containerID)", "cause": "\(error)"])
        }
    }

    /// Deletes the interface of a released endpoint whose network namespace lives on, as after a failed start. Not
    /// waited for.
    package func removeInterface(of endpoint: Endpoint) {
        guard
            let (network, worker) = running.withLock({ state in
                state.flatMap { state in state.standing[endpoint.networkID].map { ($0, state.worker) } }
            })
        else { return }
        worker.add { [logger] in
            do throws(SystemCallError) {
                try network.disconnect(endpoint, namespace: -1)
            } catch {
                logger.warning("interface not removed", metadata: ["cause": "\(error)"])
            }
        }
    }
}
