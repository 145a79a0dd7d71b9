import Networking

extension ContainerService {
    /// Publishes ports of a container; of a running one they are live when it returns, and its process goes on untouched.
    /// - Throws: `NetworkError` (`portAllocated`, `portInUse`, …); `EngineError` where its network cannot have ports
    package func addPorts(_ reference: String, _ publications: [PortPublication]) async throws {
        try await find(reference).addPorts(publications)
    }

    /// Takes published ports off, each where everything that is given of it fits: an empty host address or port fits all.
    /// - Throws: `EngineError` (`invalidParameter`) where a port is not published
    package func removePorts(_ reference: String, _ publications: [PortPublication]) async throws {
        try await find(reference).removePorts(publications)
    }
}

extension Container {
    func addPorts(_ publications: [PortPublication]) async throws {
        try await gate.run { try await self.addPortsNow(publications) }
    }

    func removePorts(_ publications: [PortPublication]) async throws {
        try await gate.run { try await self.removePortsNow(publications) }
    }

    /// With the gate held.
    private func addPortsNow(_ publications: [PortPublication]) async throws {
        let spec = spec
        guard let publisher = publisher(spec.network.endpoints) else {
            throw EngineError.invalid(
                "ports of container \(name) cannot be published: it is on no bridge network that leads outside"
            )
        }
        let all = spec.network.publishedPorts.adding(publications)
        let requests = try publications.flatMap { try $0.requests }
        var endpoints = progress.endpoints
        let target = endpoints.firstIndex { $0.networkName == spec.network.endpoints[publisher].network }
        if let target, state.isRunning {
            let (network, endpoint) = (parts.network, endpoints[target])
            endpoints[target] = try await parts.pool.run {
                var changed = endpoint
                try network.addPorts(requests, to: &changed)
                return changed
            }
        }
        let held = endpoints
        try await commit(.powerCut) { progress in
            if progress.state.isRunning { progress.endpoints = held }
            progress.changes.publishedPorts = all
        }
        publish("update")
    }

    /// With the gate held.
    private func removePortsNow(_ publications: [PortPublication]) async throws {
        let spec = spec
        var endpoints = progress.endpoints
        let (left, missing) = spec.network.publishedPorts.removing(publications)
        let network = parts.network
        var found: [(index: Int, ports: [PublishedPort])] = []
        for index in endpoints.indices {
            let gone = endpoints[index].ports.filter { port in publications.contains { $0.names(port) } }
            if !gone.isEmpty { found.append((index, gone)) }
        }
        // `--publish-all` has ports that no record names.
        let gone = found.flatMap(\.ports)
        if let unknown = missing.first(where: { wanted in !gone.contains { wanted.names($0) } }) {
            let places = unknown.bindings.map { "\($0.address):\($0.portText)" }.filter { $0 != ":" }
            throw EngineError.invalid(
                "port \(unknown.port.text) of container \(name) is not published"
                    + (places.isEmpty ? "" : " at \(places.joined(separator: ", "))"))
        }
        // First the record: a restarted engine must not publish them again.
        try await commit(.powerCut) { $0.changes.publishedPorts = left }
        for (index, ports) in found {
            let endpoint = endpoints[index]
            endpoints[index] = try await parts.pool.run {
                var changed = endpoint
                network.removePorts(ports, from: &changed)
                return changed
            }
        }
        let held = endpoints
        try await hold(held)
        publish("update")
    }
}

extension [PortPublication] {
    fileprivate func adding(_ publications: [PortPublication]) -> [PortPublication] {
        var result = self
        for publication in publications {
            let bindings = publication.bindings.isEmpty ? [HostBinding()] : publication.bindings
            if let index = result.firstIndex(where: { $0.port == publication.port }) {
                result[index].bindings += bindings.filter { !result[index].bindings.contains($0) }
            } else {
                result.append(PortPublication(port: publication.port, bindings: bindings))
            }
        }
        return result
    }

    /// - Returns: what is left, and those that were not there
    fileprivate func removing(
        _ publications: [PortPublication]
    ) -> (left: [PortPublication], missing: [PortPublication]) {
        var (result, missing) = (self, [PortPublication]())
        for publication in publications {
            guard let index = result.firstIndex(where: { $0.port == publication.port }) else {
                missing.append(publication)
                continue
            }
            let before = result[index].bindings
            result[index].bindings.removeAll { binding in
                publication.bindings.isEmpty || publication.bindings.contains { $0.names(binding) }
            }
            if result[index].bindings == before { missing.append(publication) }
            if result[index].bindings.isEmpty { result.remove(at: index) }
        }
        return (result, missing)
    }
}

extension HostBinding {
    /// Whether everything that is given of this one fits another.
    fileprivate func names(_ other: HostBinding) -> Bool {
        (address.isEmpty || address == other.address)
            && (portText.isEmpty || portText == "0" || portText == other.portText)
    }
}

extension PortPublication {
    /// Whether a published port is meant.
    fileprivate func names(_ published: PublishedPort) -> Bool {
        guard port.number == published.containerPort, port.transport.rawValue == published.transport.rawValue
        else {
            return false
        }
        return bindings.isEmpty
            || bindings.contains { binding in
                let address = IPAddress(binding.address)
                let isAddress =
                    binding.address.isEmpty || address == published.hostAddress
                    || (address?.isUnspecified == true && published.hostAddress.isUnspecified)
                let isPort = binding.ports.map { $0.contains(0) || $0.contains(published.hostPort) } ?? true
                return isAddress && isPort
            }
    }
}
