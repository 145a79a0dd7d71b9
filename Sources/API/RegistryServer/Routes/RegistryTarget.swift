/// What a path names (distribution-spec, "Endpoints"). Names of repositories hold slashes, so paths are read from behind.
enum RegistryTarget: Sendable, Equatable {
    case ping, catalog, token
    case blob(RepositoryName, digest: String)
    case uploads(RepositoryName)
    case upload(RepositoryName, id: String)
    case manifest(RepositoryName, reference: String)
    case tags(RepositoryName)
    case referrers(RepositoryName, digest: String)

    /// - Parameter path: decoded
    /// - Throws: `RegistryError` (`pageNotFound`, `nameInvalid`)
    init(path: String) throws(RegistryError) {
        switch path {
        case "/v2", "/v2/": self = .ping
        case "/v2/_catalog": self = .catalog
        case "/token": self = .token
        default: self = try Self.repositoryTarget(path)
        }
    }

    private static func repositoryTarget(_ path: String) throws(RegistryError) -> RegistryTarget {
        guard path.hasPrefix("/v2/"), path.utf8.count <= 1024 else { throw notFound(path) }
        let parts = path.dropFirst("/v2/".count).split(separator: "/", omittingEmptySubsequences: false)
        guard let last = parts.last else { throw notFound(path) }
        let behind = parts.suffix(3).dropLast().map(String.init)
        if behind == ["blobs", "uploads"] {
            let name = try name(parts.dropLast(3))
            return last.isEmpty ? .uploads(name) : .upload(name, id: String(last))
        }
        if parts.suffix(2) == ["blobs", "uploads"] { return .uploads(try name(parts.dropLast(2))) }
        if parts.suffix(2) == ["tags", "list"] { return .tags(try name(parts.dropLast(2))) }
        guard let kind = behind.last, !last.isEmpty else { throw notFound(path) }
        switch kind {
        case "blobs": return .blob(try name(parts.dropLast(2)), digest: String(last))
        case "manifests": return .manifest(try name(parts.dropLast(2)), reference: String(last))
        case "referrers": return .referrers(try name(parts.dropLast(2)), digest: String(last))
        default: throw notFound(path)
        }
    }

    private static func name(_ parts: ArraySlice<Substring>) throws(RegistryError) -> RepositoryName {
        let text = parts.joined(separator: "/")
        guard let name = RepositoryName(text) else {
            throw RegistryError(.nameInvalid, "invalid repository name \"\(text.prefix(255))\"")
        }
        return name
    }

    private static func notFound(_ path: String) -> RegistryError {
        RegistryError(.pageNotFound, "no such page: \(path.prefix(200))")
    }

    var repository: RepositoryName? {
        switch self {
        case .ping, .catalog, .token: nil
        case .blob(let name, _), .uploads(let name), .upload(let name, _), .manifest(let name, _),
            .tags(let name),
            .referrers(let name, _):
            name
        }
    }

    /// The name of the operation in metrics.
    var label: String {
        switch self {
        case .ping: "ping"
        case .catalog: "catalog"
        case .token: "token"
        case .blob: "blob"
        case .uploads, .upload: "upload"
        case .manifest: "manifest"
        case .tags: "tags"
        case .referrers: "referrers"
        }
    }

    var methods: [String] {
        switch self {
        case .ping, .catalog, .tags, .referrers: ["GET", "HEAD"]
        case .token, .uploads: self == .token ? ["GET", "POST"] : ["POST"]
        case .blob: ["GET", "HEAD", "DELETE"]
        case .upload: ["GET", "HEAD", "PATCH", "PUT", "DELETE"]
        case .manifest: ["GET", "HEAD", "PUT", "DELETE"]
        }
    }

    /// What a request with this method needs.
    func need(_ method: String) -> AccessNeed {
        guard let repository else {
            return AccessNeed(object: self == .catalog ? .catalog : .registry, actions: [])
        }
        let actions: [AccessAction] =
            switch (self, method) {
            case (.upload, _), (.uploads, _), (_, "PUT"): [.pull, .push]
            case (_, "DELETE"): [.delete]
            default: [.pull]
            }
        return AccessNeed(object: .repository(repository), actions: actions)
    }
}
