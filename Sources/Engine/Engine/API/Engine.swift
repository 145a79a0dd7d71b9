import Cgroups
import GRDB
import ImageStore
package import Logging
import LinuxKernel
import Networking
import OCIModel

/// One container engine over one data root. Made and ended by an executable; everything else goes through its services.
package final class Engine: Sendable {
    package let configuration: EngineConfiguration
    package let containers: ContainerService
    package let execs: ExecService
    package let images: ImageService
    package let registries: RegistryService
    package let networks: NetworkService
    package let volumes: VolumeService
    package let events: EventService
    package let system: SystemService

    private let parts: EngineParts
    private let budgetWatch: Task<Void, Never>?
    /// Held until the engine ends.
    private let locks: [RootLock]

    private init(_ parts: EngineParts, locks: [RootLock], id: String) {
        self.parts = parts
        self.locks = locks
        configuration = parts.configuration
        events = parts.events
        containers = ContainerService(parts)
        execs = ExecService(parts)
        networks = NetworkService(parts)
        volumes = VolumeService(parts)
        system = SystemService(parts, id: id)
        let registry = parts.registry
        let uses: @Sendable (Digest) -> [ImageUse] = { image in
            registry.all.filter { $0.definition.uses(image: image.description) }.map {
                ImageUse(containerID: $0.id, isRunning: $0.state.isRunning)
            }
        }
        let budget = parts.configuration.storageLimit.map {
            StorageBudget(
                limit: $0, store: parts.images, events: parts.events, logger: parts.logger, uses: uses)
        }
        budgetWatch = budget.map { budget in Task { await budget.watch(on: parts.pool) } }
        registries = RegistryService(
            store: parts.images, pool: parts.pool, events: parts.events,
            settings: parts.configuration.registries, logger: parts.logger, budget: budget)
        images = ImageService(
            store: parts.images, pool: parts.pool, events: parts.events, budget: budget, uses: uses)
    }

    /// Takes possession of the roots, brings the state up to what is really there (running shims are adopted, what died
    /// meanwhile is given its real exit code, half-done operations are finished or undone) and starts serving.
    /// - Throws: `EngineError`, `.rootInUse` where another engine runs on the same root
    package static func open(configuration: EngineConfiguration, logger: Logger) async throws -> Engine {
        let locks = [try RootLock(configuration.dataRoot), try RootLock(configuration.execRoot)]
        let pool = BlockingPool()
        let reactor = try Reactor()
        let parts = try await pool.run { try assemble(configuration, logger, pool, reactor) }
        try await Recovery(parts: parts).run()
        let id = try await identity(parts)
        return Engine(parts, locks: locks, id: id)
    }

    /// Blocks.
    private static func assemble(
        _ wished: EngineConfiguration, _ logger: Logger, _ pool: BlockingPool, _ reactor: Reactor
    ) throws -> EngineParts {
        let cgroups = try CgroupHost.discover()
        let configuration = try wished.settled(for: cgroups)
        try makeDirectories("\(configuration.dataRoot)/containers", mode: 0o710)
        try makeDirectories("\(configuration.execRoot)/shims", mode: 0o700)
        var features = HostFeatures.discover(cgroups)
        features.apparmorProfile = try AppArmorProfile.prepare(in: configuration.execRoot, logger: logger)
        let database = try StateDatabase(folder: configuration.dataRoot, pool: pool)
        let images = try ImageStore.open(
            root: configuration.dataRoot, database: database.writer, logger: logger,
            keepsBlobs: configuration.registries.keepsCompressedLayers, driver: configuration.storageDriver)
        if configuration.containerSize != nil { try images.requireSizes() }
        let network = try NetworkController(try NetworkConfiguration(configuration), logger: logger)
        let seccomp = try SeccompPrograms(
            folder: "\(configuration.dataRoot)/seccomp", compiler: configuration.seccompCompilerPath,
            profilePath: configuration.seccompProfilePath)
        return EngineParts(
            configuration: configuration, features: features, cgroups: cgroups,
            logger: logger,
            pool: pool, reactor: reactor, database: database, images: images, network: network,
            volumes: try VolumeStore(root: "\(configuration.dataRoot)/volumes"),
            spawner: ShimSpawner(path: configuration.shimPath, reactor: reactor), seccomp: seccomp,
            events: EventService(reactor: reactor), registry: ContainerRegistry(), execs: ExecTable())
    }

    /// The engine's own id, made once per data root.
    private static func identity(_ parts: EngineParts) async throws -> String {
        let stored = try parts.database.read { database in
            try String.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'id'")
        }
        if let stored { return stored }
        let id = randomID()
        try await parts.database.commit(.powerCut) { database in
            try database.execute(sql: "INSERT INTO setting (name, value) VALUES ('id', ?)", arguments: [id])
        }
        return id
    }

    /// Ends the engine; containers go on running.
    package func shutdown() async {
        budgetWatch?.cancel()
        await budgetWatch?.value
        events.finish()
        let isIdle = !parts.registry.all.contains { $0.state.isRunning }
        for container in parts.registry.all { await container.leave() }
        do {
            try await parts.database.commit(.powerCut) { _ in }
            let (network, database) = (parts.network, parts.database)
            try await parts.pool.run {
                network.shutdown(removeAll: isIdle)
                try database.close()
            }
        } catch {
            parts.logger.error("cannot close the state", metadata: ["error": "\(error)"])
        }
        parts.reactor.stop()
        parts.pool.stop()
    }
}
