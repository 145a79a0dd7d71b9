import Logging
import ImageStore
import LinuxKernel
import Networking
import ShimProtocol

/// Makes state and machine agree when an engine opens: what runs is adopted, what ended is recorded, what belongs to
/// nobody goes. Safe to be interrupted and done again.
struct Recovery: Sendable {
    let parts: EngineParts

    func run() async throws {
        let containers = try load()
        try await finishRenames(containers)
        // What was being removed may lack its files, and its image's layers.
        let layers = containers.filter { !$0.state.isBeingRemoved }.map(\.definition.layer)
        try await parts.pool.run { [images = parts.images] in try images.adopt(layers) }
        let outcomes = await recover(containers)
        let alive = containers.filter { $0.state.isRunning }
        let endpoints = alive.flatMap { $0.progress.endpoints }
        let resolvers = alive.compactMap { container in
            container.state.runningState.flatMap {
                container.resolver(container.progress.endpoints, process: $0.pid)
            }
        }
        try await parts.pool.run { [network = parts.network] in
            try network.start(existing: endpoints, resolvers: resolvers)
        }
        parts.networkStarted.fulfil(())
        for container in alive { await container.repairNetworks() }
        for container in alive { await container.adoptVolumes() }
        await clearOrphans(containers)
        for container in containers where container.spec.autoRemove && container.progress.hasHadItsRun {
            await container.removeAutomatically()
        }
        for container in containers where container.state.isBeingRemoved { await container.finishRemoval() }
        for (container, outcome) in zip(containers, outcomes) { await container.resume(after: outcome) }
        parts.logger.info(
            "containers recovered",
            metadata: [
                "count": "\(containers.count)", "adopted": "\(outcomes.count { $0 == .adopted })",
                "settled": "\(outcomes.count { $0 == .settled })",
            ])
    }

    private func load() throws -> [Container] {
        let (rows, execs) = try parts.database.read { database in
            (try ContainerTable.all(database), try ContainerTable.execs(database))
        }
        parts.execs.load(execs)
        let containers = try rows.map { row in
            var progress = row.progress
            // Records of earlier versions name no network where the mode does.
            if progress.changes.connections == nil {
                var network = row.definition.spec.network
                try network.settleConnections { $0 }
                if network != row.definition.spec.network { progress.changes.connections = network.endpoints }
            }
            let container = Container(
                row.definition, name: row.name, progress: progress, parts: parts)
            try parts.registry.take(name: row.name, for: container.id)
            parts.registry.add(container)
            return container
        }
        for container in containers { container.takeLinkNames() }
        return containers
    }

    /// Side by side: one shim that does not answer must not hold up the others.
    private func recover(_ containers: [Container]) async -> [RecoveryOutcome] {
        await withTaskGroup(of: (Int, RecoveryOutcome).self) { group in
            for (position, container) in containers.enumerated() {
                group.addTask { (position, await container.recover()) }
            }
            return await group.reduce(
                into: [RecoveryOutcome](repeating: .asRecorded, count: containers.count)
            ) {
                $0[$1.0] = $1.1
            }
        }
    }

    private func clearOrphans(_ containers: [Container]) async {
        let known = Set(containers.map(\.id))
        let alive = Set(containers.filter { $0.state.isRunning }.map(\.id))
        let unknown = directoryNames(in: "\(parts.configuration.execRoot)/shims").filter {
            !known.contains($0)
        }
        for id in unknown { await clearShim(parts.shimFolder(of: id)) }
        let parts = parts
        await attempt("folders") {
            for id in directoryNames(in: "\(parts.configuration.dataRoot)/containers")
            where !known.contains(id) {
                try SharedMemoryMount.unmount(SharedMemoryMount.path(in: parts.folder(of: id)))
                try removeTree(parts.folder(of: id))
            }
            for container in containers where !alive.contains(container.id) {
                if container.spec.namespaces.ipc == .shareable {
                    try SharedMemoryMount.unmount(SharedMemoryMount.path(in: parts.folder(of: container.id)))
                }
            }
        }
        await attempt("volumes") { try parts.volumes.unmountUnused() }
        await letGoOn(containers)
        await attempt("control groups") {
            for container in containers where !alive.contains(container.id) {
                try CgroupRemoval.remove(
                    id: container.id, parent: container.spec.cgroupParent, parts.configuration,
                    in: parts.cgroups)
            }
            // The parent is shared with other engines: only what had a shim of ours is surely ours.
            for id in unknown {
                try CgroupRemoval.remove(id: id, parent: "", parts.configuration, in: parts.cgroups)
            }
        }
    }

    /// Those that an engine had paused to copy their volumes when it died.
    private func letGoOn(_ containers: [Container]) async {
        let left = Set((try? await parts.pool.run { [parts] in try parts.volumes.leftPaused() }) ?? [])
        for container in containers where left.contains(container.id) && container.state.isPaused {
            await container.unpauseIfPaused()
        }
        await attempt("copies of volumes") { [parts] in try parts.volumes.clearPaused() }
    }

    /// A shim whose container has no record: its creation was never finished, or its removal was.
    private func clearShim(_ folder: String) async {
        if let connection = try? ShimConnection.connect(to: folder),
            let session = try? ShimSession(
                connection, folder: folder, reactor: parts.reactor, pool: parts.pool, observer: { _ in })
        {
            _ = try? await session.request(.delete(force: true), seconds: 10)
            _ = try? await session.ended.wait(milliseconds: 5000, on: parts.reactor)
            session.abandon()
        }
        await attempt("shim folders") { try removeTree(folder) }
    }

    private func attempt(_ step: String, _ body: @escaping @Sendable () throws -> Void) async {
        do {
            try await parts.pool.run(body)
        } catch {
            parts.logger.warning(
                "cannot clear what a crash left", metadata: ["op": "\(step)", "error": "\(error)"])
        }
    }
}
