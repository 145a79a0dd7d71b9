import ImageStore
import Networking
import OCIModel

extension ContainerService {
    package func inspect(_ reference: String) throws -> ContainerInspection {
        parts.inspection(of: try find(reference))
    }

    /// Newest first.
    package func list(_ options: ListOptions) throws -> [ContainerInspection] {
        let query = try ContainerQuery(options, parts)
        return query.run(parts.registry.all.map(parts.inspection))
    }

    /// Reads the disk; may take long.
    package func size(_ reference: String) async throws -> ContainerSize {
        let container = try find(reference)
        if let size = try await sizeIfThere(container.id) { return size }
        _ = try find(container.id)
        return ContainerSize(writable: 0, root: 0)
    }

    private func size(_ container: Container) async throws -> ContainerSize {
        let (images, layer) = (parts.images, container.definition.layer)
        return try await parts.pool.run {
            let writable = try images.size(of: layer)
            // Of the layers, not of the image: that may have been removed by force.
            return ContainerSize(writable: writable, root: writable + images.size(below: layer))
        }
    }

    /// The same for one of a list.
    /// - Returns: nil where it has gone meanwhile, or is being removed
    package func sizeIfThere(_ id: String) async throws -> ContainerSize? {
        guard let container = try? find(id), !container.state.isBeingRemoved else { return nil }
        do {
            return try await size(container)
        } catch  where container.state.isBeingRemoved || (try? find(id)) == nil {
            return nil
        }
    }
}

/// What a container occupies.
package struct ContainerDiskUsage: Sendable {
    package let container: ContainerInspection
    /// `writable` is what it has of its own on the disk, as `du` counts it: writable layer, log, generated files. `root`
    /// adds the files of its image's layers.
    package let size: ContainerSize
}

extension ContainerService {
    /// Of all containers, newest first. One that goes meanwhile occupies nothing.
    package func diskUsage() async throws -> [ContainerDiskUsage] {
        var options = ListOptions()
        options.all = true
        let (parts, list) = (parts, try list(options))
        return try await parts.pool.runAlone {
            try list.map { inspection in
                let nothing = ContainerDiskUsage(
                    container: inspection, size: ContainerSize(writable: 0, root: 0))
                guard let container = try? parts.registry.find(inspection.id) else { return nothing }
                do {
                    let layer = container.definition.layer
                    let own =
                        try parts.images.blocks(of: layer)
                        + ImageStore.blocks(below: parts.folder(of: inspection.id))
                    let whole = own + parts.images.size(below: layer)
                    return ContainerDiskUsage(
                        container: inspection, size: ContainerSize(writable: own, root: whole))
                } catch
                    where container.state.isBeingRemoved
                    || (try? parts.registry.find(inspection.id)) == nil
                {
                    return nothing
                }
            }
        }
    }
}

extension EngineParts {
    func paths(of container: Container) -> ContainerPaths {
        ContainerPaths(folder: folder(of: container.id), id: container.id, spec: container.spec)
    }

    func inspection(of container: Container) -> ContainerInspection {
        let (definition, snapshot) = (container.definition, container.snapshot)
        let progress = snapshot.progress
        var spec = progress.changes.applied(to: definition.spec)
        if !spec.network.links.isEmpty { spec.network.links = container.linkTexts }
        let arguments = spec.arguments
        let layer = images.paths(of: definition.layer)
        return ContainerInspection(
            id: definition.id, name: snapshot.name, linkNames: registry.linkNames(of: definition.id),
            created: definition.created, spec: spec,
            // A start whose outcome is not known yet has changed nothing.
            state: progress.state == .starting ? progress.restingState : progress.state,
            startedAt: progress.startedAt,
            finishedAt: progress.lastExit?.finishedAt ?? .zero,
            lastError: progress.lastError, exitCode: progress.exitCode,
            outOfMemory: progress.state.isRunning ? false : progress.lastExit?.outOfMemory ?? false,
            restartCount: progress.restartCount, imageID: definition.imageID,
            manifestDigest: definition.manifestDigest, os: definition.os, path: arguments.first ?? "",
            arguments: Array(arguments.dropFirst()), paths: paths(of: container),
            mounts: progress.changes.mounts ?? definition.mounts,
            graph: GraphPaths(
                driver: layer.driver.rawValue, lower: layer.lower, upper: layer.upper, work: layer.work,
                merged: layer.merged),
            appArmorProfile: (try? SecurityOptions(parsing: spec.security.options))?
                .apparmorProfile(features, privileged: spec.security.isPrivileged) ?? "",
            logDriver: spec.logConfiguration.driver,
            network: networkState(container, progress), health: progress.health,
            execIDs: execs.ids(of: definition.id),
            warnings: definition.warnings)
    }

    private func networkState(_ container: Container, _ progress: ContainerProgress) -> NetworkState {
        let definition = container.definition
        var state = NetworkState()
        if let running = progress.state.runningState {
            state.sandboxKey = "/proc/\(running.pid)/ns/net"
            state.sandboxID = definition.id
            state.ports = ports(progress.changes.applied(to: definition.spec), progress.endpoints)
        }
        let spec = progress.changes.applied(to: definition.spec)
        state.endpoints = spec.network.endpoints.compactMap { connection in
            let held = progress.endpoints.first { $0.networkName == connection.network }
            return held.map { EndpointState($0, connection) } ?? idleEndpoint(connection, container, progress)
        }
        return state
    }

    /// The network that a container would be on, as `inspect` shows it for one that does not run.
    private func idleEndpoint(
        _ connection: NetworkConnection, _ container: Container, _ progress: ContainerProgress
    ) -> EndpointState {
        let record = try? network.network(connection.network)
        var state = EndpointState(networkName: connection.network, networkID: record?.id ?? "")
        state.aliases = connection.aliases
        // As in Docker, they stay after the end and are not there before the first start.
        if progress.lastExit != nil, record?.hasNames == true {
            state.dnsNames = container.names(on: connection)
        }
        return state
    }

    private func ports(_ spec: ContainerSpec, _ endpoints: [Endpoint]) -> [PortState] {
        switch spec.network.mode {
        case .host, .none, .container: return []
        case .standard, .bridge, .named: break
        }
        let published = endpoints.flatMap(\.ports)
        let added = published.compactMap { port in
            ContainerPort("\(port.containerPort)/\(port.transport.rawValue)")
        }.filter { !spec.exposedPorts.contains($0) }
        return (spec.exposedPorts + Set(added).sorted()).map { port in
            let bindings = published.filter {
                $0.containerPort == port.number && $0.transport.rawValue == port.transport.rawValue
            }
            return PortState(
                port: port,
                bindings: bindings.map { PortBindingState(address: "\($0.hostAddress)", port: $0.hostPort) })
        }
    }
}

extension EndpointState {
    init(_ endpoint: Endpoint, _ connection: NetworkConnection) {
        self.init(networkName: endpoint.networkName, networkID: endpoint.networkID)
        endpointID = endpoint.id
        if let v4 = endpoint.ipv4 {
            gateway = v4.gateway.map { "\($0)" } ?? ""
            ipv4Address = "\(v4.address)"
            ipv4PrefixLength = v4.prefixLength
        }
        if let v6 = endpoint.ipv6 {
            ipv6Gateway = v6.gateway.map { "\($0)" } ?? ""
            ipv6Address = "\(v6.address)"
            ipv6PrefixLength = v6.prefixLength
        }
        macAddress = endpoint.macAddress.map { "\($0)" } ?? ""
        aliases = connection.aliases
        dnsNames = endpoint.names
    }
}

extension ContainerProgress {
    var startedAt: Timestamp { state.runningState?.startedAt ?? lastExit?.startedAt ?? .zero }
}
