import JSONCodec
import OCIModel

/// What a registry offers beside repositories: whether credentials are good, and search.
package struct RegistryAccount {
    private let endpoint: RegistryEndpoint
    private let agent: HTTPAgent
    private let domain: String

    /// - Parameter server: as `login` has it: a host, or an address of which the host counts; empty for the default
    package init(
        server: String, configuration: RegistryConfiguration, credentials: RegistryCredentials,
        interrupter: Interrupter
    ) throws {
        agent = HTTPAgent(configuration: configuration, interrupter: interrupter)
        domain = Self.domain(of: server)
        endpoint = RegistryEndpoint(
            candidates: try RegistryEndpoint.addresses(of: domain, agent: agent), isMirror: false,
            agent: agent, credentials: credentials, wantsRefreshToken: true)
    }

    /// The host of `https://HOST/v1/` or `HOST`.
    package static func domain(of server: String) -> String {
        var text = server[...]
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
            text = text.dropFirst(scheme.count)
        }
        let host = String(text.prefix { $0 != "/" })
        return host.isEmpty || host == "index.docker.io" || host == "registry-1.docker.io"
            ? Reference.defaultDomain : host
    }

    /// Tries the credentials.
    /// - Returns: a token to keep instead of the password, where the registry gives one
    /// - Throws: `RegistryError` (`unauthorized`)
    package func login() throws -> String {
        let answer = try retrying(agent) { try endpoint.send(scopes: []) { HTTPRequest("GET", $0) } }
        guard answer.status == 200 else {
            let address = answer.address
            let failure = RegistryAnswerError.failure(answer, what: "login attempt to \(address)")
            guard failure.code != .unauthorized else {
                throw RegistryError(
                    .unauthorized, "login attempt to \(address) failed with status: 401 Unauthorized")
            }
            throw failure
        }
        answer.drain()
        return endpoint.authorizer.obtainedRefreshToken ?? ""
    }

    /// One repository that a search found.
    package struct SearchResult: Sendable, Equatable {
        package var name: String
        package var description: String
        package var stars: Int
        package var isOfficial: Bool
        package var isAutomated: Bool
    }

    /// Searches where the registry can; others are asked for their catalog, of which the fitting names count.
    package func search(_ term: String, limit: Int) throws -> [SearchResult] {
        let answer = try retrying(agent) {
            try endpoint.send(scopes: []) { base in
                let index =
                    domain == Reference.defaultDomain ? WebAddress("https://index.docker.io") ?? base : base
                return HTTPRequest(
                    "GET",
                    index.with(target: "/v1/search").adding(query: "q", term).adding(query: "n", "\(limit)"))
            }
        }
        if answer.status == 404 || answer.status == 401 {
            answer.drain()
            return try searchCatalog(term, limit: limit)
        }
        guard answer.status == 200 else { throw RegistryAnswerError.failure(answer, what: "search") }
        let body = try answer.readAll(limit: 4 << 20, "the search's answer")
        guard let results = (try? JSONValue(parsing: body))?["results"]?.arrayValue else {
            throw RegistryError(.invalidAnswer, "\(domain) sent a search result that is none")
        }
        return results.prefix(limit).map { value in
            SearchResult(
                name: value["name"]?.stringValue ?? "", description: value["description"]?.stringValue ?? "",
                stars: Int(value["star_count"]?.integerValue ?? 0),
                isOfficial: value["is_official"]?.boolValue ?? false,
                isAutomated: value["is_automated"]?.boolValue ?? false)
        }
    }

    private func searchCatalog(_ term: String, limit: Int) throws -> [SearchResult] {
        var found: [SearchResult] = []
        var next: WebAddress?
        for _ in 0..<Self.catalogPages where found.count < limit {
            let answer = try retrying(agent) {
                try endpoint.send(scopes: [.catalog]) { base in
                    HTTPRequest("GET", next ?? base.with(target: base.target + "_catalog?n=1000"))
                }
            }
            guard answer.status == 200 else {
                throw RegistryAnswerError.failure(answer, what: "search on \(domain)")
            }
            let body = try answer.readAll(limit: 16 << 20, "the registry's catalog")
            let names = (try? JSONValue(parsing: body))?["repositories"]?.arrayValue ?? []
            for name in names.compactMap(\.stringValue) where name.contains(term.lowercased()) {
                found.append(
                    SearchResult(
                        name: "\(domain)/\(name)", description: "", stars: 0, isOfficial: false,
                        isAutomated: false))
            }
            next = answer.nextPage
            if next == nil { break }
        }
        return Array(found.prefix(limit))
    }

    private static let catalogPages = 100
}
