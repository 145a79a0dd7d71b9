package import LinuxKernel
import Logging

/// The names of containers on user-defined networks, and who is told them. `skiff-net` answers, also while no daemon
/// runs; what it has to know is kept here and brought to it within milliseconds, again should it die.
///
/// After a restart of the daemon: `set` and `adopt` for what lives, before the forwarder is started.
package final class NameServer: Sendable {
    private let forwarder: Forwarder

    init(_ forwarder: Forwarder) { self.forwarder = forwarder }

    /// Enters an endpoint's names, in place of what it had. Not waited for.
    package func set(_ names: EndpointNames) { forwarder.changeNames { $0.set(names) } }

    package func remove(endpoint: String) { forwarder.changeNames { $0.remove(endpoint: endpoint) } }

    /// Has a container answered. When this returns, 127.0.0.11:53 answers in the network namespace of its process, whose
    /// loopback has to be up.
    /// - Throws: `ESRCH` where the process has ended; nothing is kept after a failure
    package func serve(_ resolver: ContainerResolver) throws(SystemCallError) {
        let sockets = try ResolverSockets.open(resolver.process, table: forwarder.namesTable)
        forwarder.changeNames { $0.serve(resolver, sockets) }
        do throws(SystemCallError) {
            try forwarder.deliver()
        } catch {
            end(container: resolver.container)
            throw error
        }
    }

    /// Goes on with a container that an earlier daemon started. Not waited for.
    package func adopt(_ resolver: ContainerResolver) { forwarder.changeNames { $0.serve(resolver, nil) } }

    /// Whether a container is answered, or about to be.
    package func isAnswering(_ container: String) -> Bool { forwarder.isAnswering(container) }

    /// Changes networks, links or servers of a container that is answered. Not waited for.
    package func update(_ resolver: ContainerResolver) { forwarder.changeNames { $0.update(resolver) } }

    /// Stops answering a container. Not waited for.
    package func end(container: String) { forwarder.changeNames { $0.end(container: container) } }
}
