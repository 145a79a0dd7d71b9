import HTTPTransport
import JSONCodec
import NIOCore

/// Which part answers what.
struct RegistryRoutes: Sendable {
    let registry: Registry
    let isSecure: Bool

    func answer(_ target: RegistryTarget, _ exchange: Exchange) async throws {
        switch target {
        case .ping: try await exchange.json([:])
        case .catalog: try await ListingRoutes(registry: registry).catalog(exchange)
        case .token: try await TokenRoute(registry: registry).issue(exchange)
        case .tags(let name): try await ListingRoutes(registry: registry).tags(exchange, name)
        case .referrers(let name, let digest):
            try await ListingRoutes(registry: registry).referrers(exchange, name, digest)
        case .blob(let name, let digest): try await blob(exchange, name, digest)
        case .uploads(let name): try await UploadRoutes(registry: registry).begin(exchange, name)
        case .upload(let name, let id): try await upload(exchange, name, id)
        case .manifest(let name, let reference): try await manifest(exchange, name, reference)
        }
    }

    private func blob(_ exchange: Exchange, _ name: RepositoryName, _ digest: String) async throws {
        let routes = BlobRoutes(registry: registry)
        if exchange.head.method == "DELETE" { return try await routes.delete(exchange, name, digest) }
        try await routes.get(exchange, name, digest)
    }

    private func upload(_ exchange: Exchange, _ name: RepositoryName, _ id: String) async throws {
        let routes = UploadRoutes(registry: registry)
        switch exchange.head.method {
        case "PATCH": try await routes.append(exchange, name, id)
        case "PUT": try await routes.finish(exchange, name, id)
        case "DELETE": try await routes.cancel(exchange, name, id)
        default: try await routes.status(exchange, name, id)
        }
    }

    private func manifest(_ exchange: Exchange, _ name: RepositoryName, _ reference: String) async throws {
        let routes = ManifestRoutes(registry: registry)
        switch exchange.head.method {
        case "PUT": try await routes.put(exchange, name, reference)
        case "DELETE": try await routes.delete(exchange, name, reference)
        default: try await routes.get(exchange, name, reference)
        }
    }
}
