import LinuxKernel

/// What `skiff-net` has to know of names, and what it has not heard of yet.
struct WantedNames: Sendable {
    /// What has changed, in the order in which it is said.
    struct Changes: Sendable {
        var ended: [String] = []
        var removed: [String] = []
        var names: [EndpointNames] = []
        var updated: [ContainerResolver] = []
        /// Without sockets where they went down with the process that had them.
        var served: [(ContainerResolver, ResolverSockets?)] = []

        var isEmpty: Bool {
            ended.isEmpty && removed.isEmpty && names.isEmpty && updated.isEmpty && served.isEmpty
        }
    }

    private(set) var endpoints: [String: EndpointNames] = [:]
    private(set) var resolvers: [String: ContainerResolver] = [:]
    /// Of resolvers that the process is about to get.
    private var sockets: [String: ResolverSockets] = [:]
    private var toSet: Set<String> = []
    private var toRemove: Set<String> = []
    private var toServe: Set<String> = []
    private var toUpdate: Set<String> = []
    private var toEnd: Set<String> = []

    // Each returns whether there is something to say.

    mutating func set(_ names: EndpointNames) -> Bool {
        guard endpoints.updateValue(names, forKey: names.endpoint) != names else { return false }
        toSet.insert(names.endpoint)
        toRemove.remove(names.endpoint)
        return true
    }

    mutating func remove(endpoint: String) -> Bool {
        guard endpoints.removeValue(forKey: endpoint) != nil else { return false }
        toSet.remove(endpoint)
        toRemove.insert(endpoint)
        return true
    }

    mutating func serve(_ resolver: ContainerResolver, _ sockets: ResolverSockets?) -> Bool {
        resolvers[resolver.container] = resolver
        self.sockets[resolver.container] = sockets
        toServe.insert(resolver.container)
        toEnd.remove(resolver.container)
        return true
    }

    mutating func update(_ resolver: ContainerResolver) -> Bool {
        guard let before = resolvers[resolver.container], before != resolver else { return false }
        var resolver = resolver
        // Where it is answered does not change.
        resolver.process = before.process
        resolvers[resolver.container] = resolver
        toUpdate.insert(resolver.container)
        return true
    }

    mutating func end(container: String) -> Bool {
        guard resolvers.removeValue(forKey: container) != nil else { return false }
        sockets[container] = nil
        toServe.remove(container)
        toUpdate.remove(container)
        toEnd.insert(container)
        return true
    }

    /// A process of `skiff-net` is there that answers these containers and may not know anything else.
    /// - Parameter held: the process of each
    mutating func resume(_ held: [String: Int64]) {
        toRemove = []
        toEnd = []
        toSet = Set(endpoints.keys)
        for (container, resolver) in resolvers {
            if sockets[container] == nil, held[container] == Int64(resolver.process) {
                toUpdate.insert(container)
                toServe.remove(container)
            } else {
                toServe.insert(container)
            }
        }
    }

    /// No process runs, and none is needed.
    mutating func forgetRemovals() {
        toRemove = []
        toEnd = []
    }

    mutating func takeChanges() -> Changes {
        var changes = Changes()
        changes.ended = toEnd.sorted()
        changes.removed = toRemove.sorted()
        changes.names = toSet.sorted().compactMap { endpoints[$0] }
        changes.updated = toUpdate.subtracting(toServe).sorted().compactMap { resolvers[$0] }
        for container in toServe.sorted() {
            guard let resolver = resolvers[container] else { continue }
            changes.served.append((resolver, sockets[container]))
        }
        (toEnd, toRemove, toSet, toUpdate, toServe) = ([], [], [], [], [])
        sockets = [:]
        return changes
    }

    /// A resolver's sockets could not be made.
    /// - Parameter forGood: its process has ended; else they are made the next time
    mutating func giveUp(_ resolver: ContainerResolver, forGood: Bool) {
        guard resolvers[resolver.container]?.process == resolver.process else { return }
        if forGood {
            resolvers[resolver.container] = nil
        } else {
            toServe.insert(resolver.container)
        }
    }
}
