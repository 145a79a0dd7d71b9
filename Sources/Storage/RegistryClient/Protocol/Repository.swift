import JSONCodec
package import OCIModel
import Synchronization

/// One repository of a registry, for one operation: a pull, a push, a look. Blocking and thread-safe.
///
/// Reading tries the registry's mirrors first; writing goes to the registry itself.
package final class Repository: Sendable {
    /// Domain and path; its tag and digest mean nothing here.
    package let name: Reference
    let agent: HTTPAgent
    /// Mirrors first, the registry itself last.
    let endpoints: [RegistryEndpoint]
    /// Position of the endpoint that answered last.
    private let preferred = Mutex(0)

    /// Largest manifest that is taken, in bytes (distribution specification, "Pushing Manifests").
    package static let manifestLimit = 4 << 20

    /// - Parameter credentials: for the registry itself; mirrors are asked without
    /// - Throws: `RegistryError` (`invalidArgument`) where the name holds no host
    package init(
        _ name: Reference, configuration: RegistryConfiguration, credentials: RegistryCredentials,
        interrupter: Interrupter
    ) throws {
        self.name = name
        let agent = HTTPAgent(configuration: configuration, interrupter: interrupter)
        self.agent = agent
        var endpoints: [RegistryEndpoint] = []
        for text in configuration.mirrors[name.domain] ?? [] {
            guard let address = WebAddress(text, defaultScheme: .https) else {
                throw RegistryError(
                    .invalidArgument, "the mirror \"\(text)\" of \(name.domain) is no address")
            }
            endpoints.append(
                RegistryEndpoint(
                    candidates: [address], isMirror: true, agent: agent, credentials: RegistryCredentials()))
        }
        endpoints.append(
            RegistryEndpoint(
                candidates: try RegistryEndpoint.addresses(of: name.domain, agent: agent), isMirror: false,
                agent: agent, credentials: credentials))
        self.endpoints = endpoints
    }

    private init(_ name: Reference, like other: Repository) {
        self.name = name
        agent = other.agent
        endpoints = [other.origin]
    }

    var pull: Set<RegistryScope> { [.repository(name.path, "pull")] }
    var push: Set<RegistryScope> { [.repository(name.path, "pull,push")] }

    /// The registry itself.
    var origin: RegistryEndpoint { endpoints[endpoints.count - 1] }

    /// `/v2/<path>/<rest>` of a server.
    func address(_ base: WebAddress, _ rest: String) -> WebAddress {
        base.with(target: "\(base.target)\(name.path)/\(rest)")
    }

    /// Reads from the first endpoint that can, beginning with the one that answered last.
    func reading<T>(_ body: (RegistryEndpoint) throws -> T) throws -> T {
        let first = preferred.withLock { $0 }
        var failure: (any Error)?
        for index in Array(first..<endpoints.count) + Array(0..<first) {
            do {
                let result = try body(endpoints[index])
                preferred.withLock { $0 = index }
                return result
            } catch let error as RegistryError where error.code == .cancelled {
                throw error
            } catch {
                // The registry's own words count for more than a mirror's.
                if failure == nil || !endpoints[index].isMirror { failure = error }
            }
        }
        throw failure ?? RegistryError(.internal, "a repository without endpoint")
    }

    // MARK: - Manifests

    private static let accepted = [
        MediaType.ociManifest, MediaType.ociIndex, MediaType.dockerManifest, MediaType.dockerManifestList,
        "*/*",
    ].joined(separator: ", ")

    /// Fetches a manifest or index.
    /// - Throws: `RegistryError`: `notFound`, `corrupted` where it has another digest than was asked for or promised,
    ///   `invalidAnswer` where it is larger than `manifestLimit`
    package func manifest(_ selector: ManifestSelector) throws -> FetchedManifest {
        try reading { endpoint in try retrying(agent) { try fetch(selector, from: endpoint) } }
    }

    private func fetch(_ selector: ManifestSelector, from endpoint: RegistryEndpoint) throws
        -> FetchedManifest
    {
        let what = "manifest \(name.familiarName):\(selector)"
        let answer = try endpoint.send(scopes: pull) { base in
            var request = HTTPRequest("GET", address(base, "manifests/\(selector)"))
            request.set("Accept", Self.accepted)
            return request
        }
        guard answer.status == 200 else { throw RegistryAnswerError.failure(answer, what: what) }
        let bytes = try answer.readAll(limit: Self.manifestLimit, what)
        var expected = answer.head["docker-content-digest"].flatMap { Digest($0) }
        if case .digest(let digest) = selector { expected = digest }
        // JSON that lost its end is no JSON, but a manifest that lost only its last line end would have another digest.
        guard expected != nil || answer.isDelimited else {
            throw RegistryError(
                .invalidAnswer,
                "\(what): the registry says neither how long it is nor which digest it has, so that a part could be taken for the whole"
            )
        }
        let actual = Digest.of(bytes, expected?.algorithm ?? .sha256)
        if let expected, actual != expected {
            throw RegistryError(
                .corrupted,
                "\(what): the registry sent content with the digest \(actual) instead of \(expected)",
                isTransient: true)
        }
        return FetchedManifest(bytes: bytes, mediaType: Self.mediaType(answer.head, bytes), digest: actual)
    }

    /// What the manifest calls itself, else what the registry calls it.
    private static func mediaType(_ head: HTTPHead, _ bytes: [UInt8]) -> String {
        if let own = (try? JSONValue(parsing: bytes))?["mediaType"]?.stringValue, !own.isEmpty { return own }
        return head.mediaType
    }

    /// What a tag or digest leads to, without its content.
    /// - Returns: nil where there is no such manifest
    package func descriptor(_ selector: ManifestSelector) throws -> ContentDescriptor? {
        try reading { endpoint in
            try retrying(agent) { () -> ContentDescriptor? in
                let answer = try endpoint.send(scopes: pull) { base in
                    var request = HTTPRequest("HEAD", address(base, "manifests/\(selector)"))
                    request.set("Accept", Self.accepted)
                    return request
                }
                if answer.status == 404 { return nil }
                guard answer.status == 200 else {
                    throw RegistryAnswerError.failure(
                        answer, what: "manifest \(name.familiarName):\(selector)")
                }
                guard let text = answer.head["docker-content-digest"], let digest = Digest(text) else {
                    return nil
                }
                return ContentDescriptor(
                    mediaType: answer.head.mediaType, digest: digest, size: try answer.head.length() ?? 0)
            }
        }
    }

    // MARK: - Blobs

    /// A blob's content from `offset` on, with as many connections as it takes.
    package func blob(_ descriptor: ContentDescriptor, from offset: Int64 = 0) -> BlobReader {
        BlobReader(repository: self, descriptor: descriptor, offset: offset)
    }

    /// A small blob as a whole, checked: a configuration.
    /// - Throws: `RegistryError` (`corrupted`) where it has not the digest
    package func document(_ descriptor: ContentDescriptor, limit: Int = 16 << 20) throws -> [UInt8] {
        guard descriptor.size <= limit, descriptor.size >= 0 else {
            throw RegistryError(
                .invalidAnswer, "\(descriptor.digest) is too large for an image's configuration")
        }
        return try retrying(agent) {
            let reader = blob(descriptor)
            var content = [UInt8](repeating: 0, count: Int(descriptor.size))
            var filled = 0
            while filled < content.count {
                let count = try content.withUnsafeMutableBytes {
                    try reader.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
                }
                filled += count
            }
            guard Digest.of(content, descriptor.digest.algorithm) == descriptor.digest else {
                throw RegistryError(
                    .corrupted, "the registry sent content that has not the digest \(descriptor.digest)",
                    isTransient: true)
            }
            return content
        }
    }

    /// - Returns: the blob's size in bytes; nil where the registry itself has it not
    package func sizeOfBlob(_ digest: Digest) throws -> Int64? {
        try retrying(agent) {
            let answer = try origin.send(scopes: push) { HTTPRequest("HEAD", address($0, "blobs/\(digest)")) }
            switch answer.status {
            case 200: return try answer.head.length() ?? 0
            case 404: return nil
            default: throw RegistryAnswerError.failure(answer, what: "blob \(digest)")
            }
        }
    }
}

extension Repository {
    /// Another repository of the same registry, for the same user and operation.
    package func sibling(_ name: Reference) -> Repository? {
        guard name.domain == self.name.domain else { return nil }
        return Repository(name, like: self)
    }
}
