import JSONCodec
import OCIModel
import Synchronization

/// What may be done with a repository, as token servers name it (distribution specification, "Token scopes").
package struct RegistryScope: Sendable, Hashable {
    package let text: String

    package static func repository(_ path: String, _ actions: String) -> RegistryScope {
        RegistryScope(text: "repository:\(path):\(actions)")
    }

    package static let catalog = RegistryScope(text: "registry:catalog:*")
}

/// Finds the `Authorization` field for one registry: basic, or tokens that it fetches and keeps. Thread-safe.
final class Authorizer: Sendable {
    private struct Token {
        let text: String
        /// Of the monotonic clock, in milliseconds.
        let expires: Int64
    }

    private struct State {
        /// What the registry asked for last.
        var challenge: Challenge?
        var tokens: [Set<RegistryScope>: Token] = [:]
        /// Comes back with tokens where one asked for it.
        var refreshToken: String?
    }

    private let agent: HTTPAgent
    private let credentials: RegistryCredentials
    /// Whether the token server is asked for a token that can be kept instead of the password.
    private let wantsRefreshToken: Bool
    private let state = Mutex(State())

    /// What token servers know this program by.
    private static let clientName = "skiff"

    init(agent: HTTPAgent, credentials: RegistryCredentials, wantsRefreshToken: Bool) {
        self.wantsRefreshToken = wantsRefreshToken
        self.agent = agent
        self.credentials = credentials
    }

    /// The field for a request; nil where the registry has not asked for any.
    func authorization(_ scopes: Set<RegistryScope>) throws -> String? {
        guard let challenge = state.withLock({ $0.challenge }) else { return nil }
        return try authorization(challenge, scopes)
    }

    /// Remembers what the registry asks for at the first contact.
    func note(_ answer: HTTPAnswer) {
        let challenges = answer.head.all("www-authenticate").flatMap { Challenge.parse($0) }
        guard let challenge = Self.best(challenges) else { return }
        state.withLock { $0.challenge = challenge }
    }

    private static func best(_ challenges: [Challenge]) -> Challenge? {
        challenges.first { $0.scheme == "bearer" } ?? challenges.first { $0.scheme == "basic" }
    }

    /// Learns from an answer of status 401.
    /// - Returns: whether the request is worth another try
    /// - Throws: `RegistryError` where there are no credentials for what is asked
    func learn(from answer: HTTPAnswer, scopes: Set<RegistryScope>) throws -> Bool {
        let challenges = answer.head.all("www-authenticate").flatMap { Challenge.parse($0) }
        guard let challenge = Self.best(challenges) else { return false }
        if challenge.scheme == "basic", credentials.username.isEmpty {
            throw RegistryError(.unauthorized, "no basic auth credentials")
        }
        var wanted = scopes
        // A registry may ask for more than was expected, for cross mounts for example.
        for scope in (challenge.parameters["scope"] ?? "").split(separator: " ") {
            wanted.insert(RegistryScope(text: String(scope)))
        }
        let isNew = state.withLock { state in
            let isNew = state.challenge == nil || challenge.scheme == "bearer"
            state.challenge = challenge
            state.tokens[wanted] = nil
            state.tokens[scopes] = nil
            return isNew
        }
        guard isNew else { return false }
        if challenge.scheme == "bearer", wanted != scopes {
            let token = try fetchToken(challenge, wanted)
            state.withLock { $0.tokens[scopes] = token }
        }
        return true
    }

    private func authorization(_ challenge: Challenge, _ scopes: Set<RegistryScope>) throws -> String? {
        if challenge.scheme == "basic" {
            guard !credentials.username.isEmpty else { return nil }
            return "Basic " + Base64.encode("\(credentials.username):\(credentials.password)".utf8)
        }
        if !credentials.registryToken.isEmpty { return "Bearer \(credentials.registryToken)" }
        let now = monotonicMilliseconds()
        if let token = state.withLock({ $0.tokens[scopes] }), token.expires > now {
            return "Bearer \(token.text)"
        }
        let token = try fetchToken(challenge, scopes)
        state.withLock { $0.tokens[scopes] = token }
        return "Bearer \(token.text)"
    }

    // MARK: - Tokens

    private func fetchToken(_ challenge: Challenge, _ scopes: Set<RegistryScope>) throws -> Token {
        guard let text = challenge.parameters["realm"], let realm = WebAddress(text) else {
            throw RegistryError(.invalidAnswer, "the registry names no valid address for tokens")
        }
        let hasSecrets = !credentials.isEmpty
        if hasSecrets, realm.scheme == .http, !agent.isInsecure(realm) {
            throw RegistryError(
                .untrusted,
                "refusing to send credentials without TLS to \(realm); name it in insecure-registries")
        }
        let refresh = state.withLock { $0.refreshToken } ?? credentials.identityToken
        let request =
            refresh.isEmpty
            ? tokenRequest(realm, challenge, scopes) : refreshRequest(realm, challenge, scopes, refresh)
        let answer = try agent.sendFollowing(request)
        let body = try answer.readAll(limit: 1 << 20, "the answer of \(realm)")
        guard answer.status == 200 else { throw Self.refusal(answer, body, realm) }
        return try parse(body, realm)
    }

    private func tokenRequest(
        _ realm: WebAddress, _ challenge: Challenge, _ scopes: Set<RegistryScope>
    ) -> HTTPRequest {
        var address = realm
        if let service = challenge.parameters["service"] {
            address = address.adding(query: "service", service)
        }
        for scope in scopes.map(\.text).sorted() { address = address.adding(query: "scope", scope) }
        if !credentials.username.isEmpty {
            address = address.adding(query: "account", credentials.username)
                .adding(query: "client_id", Self.clientName)
            if wantsRefreshToken { address = address.adding(query: "offline_token", "true") }
        }
        var request = HTTPRequest("GET", address)
        if !credentials.username.isEmpty {
            request.set(
                "Authorization",
                "Basic " + Base64.encode("\(credentials.username):\(credentials.password)".utf8))
        }
        return request
    }

    private func refreshRequest(
        _ realm: WebAddress, _ challenge: Challenge, _ scopes: Set<RegistryScope>, _ token: String
    ) -> HTTPRequest {
        var form = "grant_type=refresh_token&refresh_token=\(percentEncoded(token))"
        form += "&client_id=\(Self.clientName)"
        form += "&service=\(percentEncoded(challenge.parameters["service"] ?? ""))"
        let scope = scopes.map(\.text).sorted().joined(separator: " ")
        if !scope.isEmpty { form += "&scope=\(percentEncoded(scope))" }
        var request = HTTPRequest("POST", realm)
        request.set("Content-Type", "application/x-www-form-urlencoded")
        request.body = .bytes(Array(form.utf8))
        return request
    }

    private func parse(_ body: [UInt8], _ realm: WebAddress) throws -> Token {
        guard let value = try? JSONValue(parsing: body),
            let text = [value["token"]?.stringValue, value["access_token"]?.stringValue].compactMap({ $0 })
                .first(where: { !$0.isEmpty })
        else {
            throw RegistryError(
                .invalidAnswer, "authorization server did not include a token in the response (\(realm))")
        }
        if let refresh = value["refresh_token"]?.stringValue, !refresh.isEmpty {
            state.withLock { $0.refreshToken = refresh }
        }
        let seconds = max(60, min(value["expires_in"]?.integerValue ?? 60, 86400))
        // A little early, because the request still has to arrive.
        return Token(text: text, expires: monotonicMilliseconds() + seconds * 900)
    }

    /// The refresh token that the token server gave, if any; for `login`.
    var obtainedRefreshToken: String? { state.withLock { $0.refreshToken } }

    private static func refusal(_ answer: HTTPAnswer, _ body: [UInt8], _ realm: WebAddress) -> RegistryError {
        let reason = RegistryAnswerError.text(body) ?? "status \(answer.status)"
        switch answer.status {
        case 401:
            return RegistryError(
                .unauthorized,
                "unauthorized: \(RegistryAnswerError.message(body) ?? "incorrect username or password")")
        case 403: return RegistryError(.denied, reason)
        case 429:
            return RegistryError(
                .rateLimited, "\(realm): \(reason)", isTransient: true, retryAfter: answer.head.retryAfter)
        default:
            return RegistryError(
                .unavailable, "failed to fetch a token from \(realm): \(reason)",
                isTransient: answer.status >= 500)
        }
    }
}
