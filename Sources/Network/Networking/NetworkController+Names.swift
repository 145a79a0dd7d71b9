import Glibc
import LinuxKernel
import Synchronization

/// Names of containers on networks that have them, and who is told.
extension NetworkController {
    /// Has a container's questions at 127.0.0.11 answered: when this returns, they are. Again for one that is answered
    /// already: whatever has changed, but for its process, holds within milliseconds.
    /// - Parameter resolver: whether it asks other servers is decided here: where any of its networks leads outside
    /// - Throws: `NetworkError` (`kernel`) where the process has ended or the sockets cannot be made; `unsupported` without
    ///   `skiff-net`
    package func answer(_ resolver: ContainerResolver) throws(NetworkError) {
        guard let (names, records) = running.withLock({ state in state.map { ($0.names, $0.records) } }),
            let names
        else {
            throw NetworkError(
                .unsupported,
                "containers cannot be told names: skiff-net is not configured; use networks host, none or bridge"
            )
        }
        let completed = Self.completed(resolver, records)
        if names.isAnswering(resolver.container) { return names.update(completed) }
        do throws(SystemCallError) {
            try names.serve(completed)
        } catch {
            throw NetworkError(
                .kernel, "cannot answer container \(resolver.container)'s questions for names: \(error)",
                cause: error)
        }
    }

    /// Whether a container is answered.
    package func isAnswered(container: String) -> Bool { names?.isAnswering(container) == true }

    /// Stops answering a container. Not waited for.
    package func endAnswers(container: String) { names?.end(container: container) }

    /// An endpoint that is attached has other names now.
    package func rename(_ endpoint: Endpoint) {
        let isKnown = running.withLock { state in
            guard state?.endpoints[endpoint.id] != nil else { return false }
            state?.endpoints[endpoint.id]?.containerName = endpoint.containerName
            state?.endpoints[endpoint.id]?.names = endpoint.names
            return true
        }
        if isKnown { enterNames(endpoint) }
    }

    func enterNames(_ endpoint: Endpoint) {
        if !endpoint.names.isEmpty { names?.set(EndpointNames(endpoint)) }
    }

    static func completed(_ resolver: ContainerResolver, _ records: [NetworkRecord]) -> ContainerResolver {
        var completed = resolver
        completed.isForwarding = records.contains { resolver.networks.contains($0.id) && !$0.isInternal }
        return completed
    }
}

extension EndpointNames {
    init(_ endpoint: Endpoint) {
        self.init(
            endpoint: endpoint.id, network: endpoint.networkID, networkName: endpoint.networkName,
            container: endpoint.containerID, names: endpoint.names, addresses: endpoint.addresses)
    }
}
