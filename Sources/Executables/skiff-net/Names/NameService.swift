import DNS
import Glibc
import LinuxKernel

/// The names of the instance's networks, and the containers that ask for them.
final class NameService {
    private(set) var table = NameTable()
    private var resolvers: [String: ContainerResolver] = [:]
    private let loop: EventLoop
    let budget: ConnectionBudget
    let upstream: Upstream

    init(_ loop: EventLoop, _ budget: ConnectionBudget, resolverFile: String) {
        self.loop = loop
        self.budget = budget
        upstream = Upstream(loop, HostServers(resolverFile))
    }

    /// The processes that resolvers were made for, by container.
    var held: [(container: String, process: Int64)] {
        resolvers.map { (container: $0.key, process: $0.value.process) }
    }

    func set(_ endpoint: NameTable.Endpoint) { table.set(endpoint) }

    func remove(endpoint: String) { table.remove(endpoint) }

    func removeAll(exceptEndpoints endpoints: Set<String>, containers: Set<String>) {
        table.removeAll(except: endpoints)
        for container in resolvers.keys where !containers.contains(container) { end(container) }
    }

    /// Answers a container from now on, in place of what answered it before.
    func serve(
        _ container: String, process: Int64, _ sockets: ResolverSockets, _ settings: ResolverSettings
    ) throws(SystemCallError) {
        end(container)
        let resolver = ContainerResolver(container, process: process, sockets, settings, loop, self)
        resolvers[container] = resolver
        do throws(SystemCallError) {
            try resolver.start()
        } catch {
            end(container)
            throw error
        }
    }

    func update(_ container: String, _ settings: ResolverSettings) {
        resolvers[container]?.settings = settings
    }

    /// Lets go of a container's sockets; they would keep its network alive.
    func end(_ container: String) { resolvers.removeValue(forKey: container)?.close() }

    func respond(to message: [UInt8], _ view: NameView, isStream: Bool) -> Response {
        table.respond(to: message, view, isStream: isStream)
    }
}

/// What a resolver needs of a container: sockets at random ports of its loopback, and a descriptor of its process.
struct ResolverSockets {
    var datagrams: SharedDescriptor
    var listener: SharedDescriptor
    var process: SharedDescriptor
}

/// How a container's questions are answered.
struct ResolverSettings {
    var view: NameView
    /// Asked for what is not known here; those of the host where this is empty.
    var servers: [SocketAddress]
}
