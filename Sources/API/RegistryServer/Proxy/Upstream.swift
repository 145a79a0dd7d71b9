import Logging
import NIOPosix
import OCIModel
import RegistryClient
import Synchronization

/// The registry whose content is kept here: what is not here comes from there, and stays.
final class Upstream: Sendable {
    struct Settings: Sendable, Equatable {
        /// As in references: `docker.io`, `registry.example:5000`.
        var host: String
        var isInsecure = false
        var username = ""
        var password = ""
        /// For how long a tag is taken for right without a question, in seconds.
        var lifetime: Int64 = 60
    }

    let store: RegistryStore
    let logger: Logger
    private let settings: Settings
    private let configuration: RegistryConfiguration
    private let interrupter: Interrupter
    private let fills = Mutex<[Digest: BlobFill]>([:])
    /// Waiting for another server must not use up the threads that answer from the disk.
    let threads = NIOThreadPool(numberOfThreads: 16)

    init(_ settings: Settings, store: RegistryStore, logger: Logger) throws {
        self.settings = settings
        self.store = store
        self.logger = logger
        var configuration = RegistryConfiguration()
        configuration.userAgent = "skiff-registry"
        configuration.attempts = 3
        if settings.isInsecure { configuration.insecureRegistries = [settings.host] }
        self.configuration = configuration
        interrupter = try Interrupter()
        threads.start()
    }

    func close() async {
        interrupter.cancel()
        do {
            try await threads.shutdownGracefully()
        } catch {
            logger.warning("threads did not end", metadata: ["error": "\(error)"])
        }
    }

    func repository(_ name: RepositoryName) throws -> Repository {
        // Docker Hub's own images have a first component that users leave out.
        let path =
            settings.host == Reference.defaultDomain && !name.description.contains("/")
            ? "library/\(name)" : name.description
        let credentials =
            settings.username.isEmpty
            ? RegistryCredentials()
            : RegistryCredentials(username: settings.username, password: settings.password)
        return try Repository(
            Reference(domain: settings.host, path: path, tag: nil, digest: nil), configuration: configuration,
            credentials: credentials, interrupter: interrupter)
    }

    /// A manifest, asked for upstream where it is not here or its tag may have moved. While upstream does not answer,
    /// what is here is served.
    func manifest(_ name: RepositoryName, _ reference: ManifestReference) async throws -> StoredManifest? {
        try await threads.runIfActive { [self] in
            let local = try store.manifest(name, reference)
            if let local, case .digest = reference { return local }
            if let local, RegistryStore.now - local.checked < settings.lifetime { return local }
            do {
                return try refreshed(name, reference, local)
            } catch let error as RegistryClient.RegistryError {
                if error.code == .notFound {
                    if case .tag(let tag) = reference { _ = try store.removeTag(name, tag) }
                    return nil
                }
                guard let local else { throw Self.failure(error) }
                logger.warning(
                    "upstream does not answer; served from here",
                    metadata: ["repository": "\(name)", "error": "\(error.message)"])
                return local
            }
        }
    }

    private func refreshed(
        _ name: RepositoryName, _ reference: ManifestReference, _ local: StoredManifest?
    ) throws -> StoredManifest? {
        let upstream = try repository(name)
        var selector: ManifestSelector
        var tags: [String] = []
        switch reference {
        case .digest(let digest): selector = .digest(digest)
        case .tag(let tag):
            tags = [tag]
            selector = .tag(tag)
            if let local, try upstream.descriptor(selector)?.digest == local.digest {
                let document = try ManifestDocument(local.content, contentType: local.mediaType)
                try store.put(
                    document, local.content, local.digest, tags: tags, into: name, isComplete: false)
                return local
            }
        }
        let fetched = try upstream.manifest(selector)
        let document = try ManifestDocument(fetched.bytes, contentType: fetched.mediaType)
        var digest = fetched.digest
        if case .digest(let asked) = reference { digest = asked }
        try store.put(document, fetched.bytes, digest, tags: tags, into: name, isComplete: false)
        return StoredManifest(digest: digest, mediaType: document.mediaType, content: fetched.bytes)
    }

    static func failure(_ error: RegistryClient.RegistryError) -> RegistryError {
        switch error.code {
        case .denied, .unauthorized: RegistryError(.denied, "upstream: \(error.message)", cause: error)
        case .rateLimited: RegistryError(.tooManyRequests, "upstream: \(error.message)", cause: error)
        default: RegistryError(.upstreamUnavailable, "upstream: \(error.message)", cause: error)
        }
    }

    /// Fetches a blob, once for however many ask at the same time.
    func fill(_ name: RepositoryName, _ digest: Digest) async throws -> BlobFill {
        let (fill, isNew) = fills.withLock { fills in
            if let fill = fills[digest], fill.repository == name { return (fill, false) }
            let fill = BlobFill(repository: name, digest: digest)
            fills[digest] = fill
            return (fill, true)
        }
        if isNew {
            threads.submit { [self] state in
                if case .active = state {
                    fill.run(self)
                } else {
                    fill.end(RegistryError(.upstreamUnavailable, "the registry is being stopped"))
                }
                fills.withLock { if $0[digest] === fill { $0[digest] = nil } }
            }
        }
        return fill
    }
}
