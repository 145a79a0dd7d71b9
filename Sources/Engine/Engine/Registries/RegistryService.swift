import ImageStore
import Logging
package import OCIModel
package import RegistryClient

/// Images from and to registries: pull, push, login, search, and looks at what a registry has.
package final class RegistryService: Sendable {
    let store: ImageStore
    let pool: BlockingPool
    let events: EventService
    let logger: Logger
    let budget: StorageBudget?
    package let settings: RegistrySettings

    init(
        store: ImageStore, pool: BlockingPool, events: EventService, settings: RegistrySettings,
        logger: Logger, budget: StorageBudget?
    ) {
        self.budget = budget
        self.store = store
        self.pool = pool
        self.events = events
        self.settings = settings
        self.logger = logger
    }

    /// Runs something blocking that ends when the task is cancelled, on a thread of its own: a registry that is slow keeps
    /// nobody else from one.
    func interruptible<T: Sendable>(
        _ body: @escaping @Sendable (Interrupter) throws -> T
    ) async throws -> T {
        let interrupter = try Interrupter()
        return try await withTaskCancellationHandler {
            try await pool.runAlone { try body(interrupter) }
        } onCancel: {
            interrupter.cancel()
        }
    }

    /// Tries credentials.
    /// - Returns: a token to keep instead of the password, where the registry gives one; else empty
    package func login(server: String, credentials: RegistryCredentials) async throws -> String {
        let configuration = settings.client
        return try await interruptible { interrupter in
            try RegistryAccount(
                server: server, configuration: configuration, credentials: credentials,
                interrupter: interrupter
            ).login()
        }
    }

    /// Searches a registry; `term` may begin with its host.
    package func search(
        _ term: String, limit: Int, credentials: RegistryCredentials
    ) async throws -> [RegistryAccount.SearchResult] {
        let parts = term.split(separator: "/", maxSplits: 1).map(String.init)
        let hasHost =
            parts.count == 2 && (parts[0].contains(".") || parts[0].contains(":") || parts[0] == "localhost")
        let configuration = settings.client
        return try await interruptible { interrupter in
            try RegistryAccount(
                server: hasHost ? parts[0] : "", configuration: configuration, credentials: credentials,
                interrupter: interrupter
            ).search(hasHost ? parts[1] : term, limit: limit)
        }
    }

    /// What a name leads to, and the platforms behind it.
    package struct Distribution: Sendable {
        package let descriptor: ContentDescriptor
        package let platforms: [Platform]
    }

    package func distribution(
        _ name: Reference, credentials: RegistryCredentials
    ) async throws -> Distribution {
        let manifest = try await manifest(name, credentials: credentials)
        return try await interruptible { [settings] interrupter in
            let descriptor = ContentDescriptor(
                mediaType: manifest.mediaType, digest: manifest.digest, size: Int64(manifest.bytes.count))
            if MediaType.isIndex(manifest.mediaType) {
                let index: ImageIndex = try parseDocument(manifest.bytes, "index")
                return Distribution(descriptor: descriptor, platforms: index.manifests.compactMap(\.platform))
            }
            guard MediaType.isManifest(manifest.mediaType) else {
                return Distribution(descriptor: descriptor, platforms: [])
            }
            let image: ImageManifest = try parseDocument(manifest.bytes, "manifest")
            guard MediaType.isConfig(image.config.mediaType) else {
                return Distribution(descriptor: descriptor, platforms: [])
            }
            let repository = try Repository(
                name, configuration: settings.client, credentials: credentials, interrupter: interrupter)
            let configuration: ImageConfiguration = try parseDocument(
                try repository.document(image.config), "configuration")
            return Distribution(descriptor: descriptor, platforms: [configuration.platform])
        }
    }

    /// A manifest or index as the registry has it.
    package func manifest(
        _ name: Reference, credentials: RegistryCredentials
    ) async throws -> FetchedManifest {
        let configuration = settings.client
        return try await interruptible { interrupter in
            let repository = try Repository(
                name, configuration: configuration, credentials: credentials, interrupter: interrupter)
            return try asUser(name) { try repository.manifest(ManifestSelector(name)) }
        }
    }

    /// Puts an index into a registry, after the manifests that it names and that lie in other repositories there.
    /// - Returns: the index's digest
    package func pushIndex(
        _ name: Reference, bytes: [UInt8], mediaType: String, sources: [Reference],
        credentials: RegistryCredentials
    ) async throws -> Digest {
        let configuration = settings.client
        return try await interruptible { interrupter in
            let target = try Repository(
                name, configuration: configuration, credentials: credentials, interrupter: interrupter)
            for source in sources {
                let origin = try Repository(
                    source, configuration: configuration,
                    credentials: source.domain == name.domain ? credentials : RegistryCredentials(),
                    interrupter: interrupter)
                try ManifestCopy(from: origin, to: target).run(ManifestSelector(source))
            }
            return try target.put(bytes, mediaType: mediaType, as: ManifestSelector(name))
        }
    }
}
