import LinuxKernel
import Networking

/// Names that a container is told on its networks, and what it is called there itself.
extension Container {
    /// How its questions are answered; nil where none of its networks has names.
    nonisolated func resolver(_ endpoints: [Endpoint], process: Int32) -> ContainerResolver? {
        guard endpoints.contains(where: { !$0.names.isEmpty }) else { return nil }
        return currentResolver(endpoints, process: process)
    }

    private nonisolated func currentResolver(_ endpoints: [Endpoint], process: Int32) -> ContainerResolver {
        let own = spec.network.dns.servers
        let servers = own.isEmpty ? parts.configuration.dns.servers : own
        var links: [String: String] = [:]
        for text in spec.network.endpoints.flatMap(\.links) {
            // Checked when the container was made.
            guard let (reference, alias) = try? Link.split(text) else { continue }
            links[alias] = (try? parts.registry.find(reference))?.name ?? reference
        }
        return ContainerResolver(
            container: id, process: process, networks: endpoints.map(\.networkID), links: links,
            servers: servers.compactMap { IPAddress($0) })
    }

    /// Blocks. The networks of a container that runs have changed: one that gets its first network with names is told to
    /// ask here, and goes on to when it leaves the last.
    nonisolated func answer(_ endpoints: [Endpoint], process: Int32) throws {
        if parts.network.isAnswered(container: id) {
            return try parts.network.answer(currentResolver(endpoints, process: process))
        }
        guard let resolver = resolver(endpoints, process: process) else { return }
        try parts.network.answer(resolver)
        try StartPlan.overwrite(
            parts.paths(of: self).resolvConf, StartPlanner(container: self).resolvConf(endpoints))
    }

    /// The container's new name is told on its networks.
    func renameEndpoints() {
        var endpoints = progress.endpoints
        guard endpoints.contains(where: { !$0.names.isEmpty }) else { return }
        for index in endpoints.indices {
            endpoints[index].containerName = name
            let network = endpoints[index].networkName
            guard !endpoints[index].names.isEmpty,
                let connection = spec.network.endpoints.first(where: { $0.network == network })
            else { continue }
            endpoints[index].names = names(on: connection)
        }
        let renamed = endpoints
        note { $0.endpoints = renamed }
        for endpoint in renamed { parts.network.rename(endpoint) }
    }
}
