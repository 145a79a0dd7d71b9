import HTTPTransport
import Logging
import NIOPosix
import OCIModel

/// A registry without its sockets: the store and everything that requests share.
final class Registry: Sendable {
    let settings: RegistrySettings
    let store: RegistryStore
    let gatekeeper: Gatekeeper
    let collector: GarbageCollector
    let upstream: Upstream?
    let metrics = RegistryMetrics()
    let logger: Logger
    private let threads: NIOThreadPool
    /// A password's hash costs up to a tenth of a second of a processor: whoever tries passwords keeps nobody from blobs.
    private let passwordThreads: NIOThreadPool

    init(settings: RegistrySettings, logger: Logger) throws {
        self.settings = settings
        self.logger = logger
        var limits = StoreLimits(total: settings.quota, repository: settings.repositoryQuota)
        limits.grace = settings.grace
        store = try RegistryStore(root: settings.root, limits: limits)
        gatekeeper = try settings.gatekeeper()
        threads = NIOThreadPool(numberOfThreads: 16)
        threads.start()
        passwordThreads = NIOThreadPool(numberOfThreads: 2)
        passwordThreads.start()
        let collector = GarbageCollector(store: store, settings: settings, threads: threads, logger: logger)
        self.collector = collector
        let store = store
        upstream = try settings.proxy.map { try Upstream($0, store: store, logger: logger) }
    }

    /// Runs what blocks on one of the registry's threads.
    func blocking<T: Sendable>(_ body: @escaping @Sendable (RegistryStore) throws -> T) async throws -> T {
        let store = store
        return try await threads.runIfActive { try body(store) }
    }

    /// Runs what may have to check a password.
    func checkingPassword<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await passwordThreads.runIfActive(body)
    }

    /// A blob that has to come from upstream first; nil where it need not.
    func fill(_ repository: RepositoryName, _ digest: Digest) async throws -> BlobFill? {
        guard let upstream else { return nil }
        let isHere = try await blocking { try $0.blob(repository, digest, touches: false) != nil }
        return isHere ? nil : try await upstream.fill(repository, digest)
    }

    /// - Throws: `RegistryError` (`quotaExceeded`)
    func requireRoom(_ repository: RepositoryName, for count: Int64) async throws {
        guard store.hasQuota else { return }
        try await blocking { try $0.requireRoom(repository, for: count) }
    }

    func close() async throws {
        await upstream?.close()
        try await blocking { try $0.close() }
        try await passwordThreads.shutdownGracefully()
        try await threads.shutdownGracefully()
    }
}
