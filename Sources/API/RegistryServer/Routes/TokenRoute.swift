import HTTPTransport
import JSONCodec
import NIOCore
import OCIModel

/// The registry's own token service: Docker's token protocol, GET with a password by Basic, or POST with a form.
struct TokenRoute: Sendable {
    let registry: Registry

    func issue(_ exchange: Exchange) async throws {
        guard case .token(let settings) = registry.gatekeeper.mode, let signer = settings.signer else {
            throw RegistryError(.pageNotFound, "this registry issues no tokens")
        }
        let form = exchange.head.method == "POST" ? try Self.form(exchange) : exchange.query
        guard form["service"] ?? settings.service == settings.service else {
            throw RegistryError(.denied, "tokens are issued for the service \(settings.service) only")
        }
        let (gatekeeper, head) = (registry.gatekeeper, exchange.head)
        let issued = try await registry.checkingPassword { () -> (access: String, refresh: String?) in
            let user = try Self.user(form, head, gatekeeper, settings)
            guard let token = try gatekeeper.token(settings, user: user, scopes: form.all("scope")) else {
                throw RegistryError(.pageNotFound, "this registry issues no tokens")
            }
            let keeps = form["offline_token"] == "true" || form["access_type"] == "offline"
            let new = keeps ? try gatekeeper.refreshToken(settings, user: user) : nil
            return (try token.signed(by: signer), form["refresh_token"] ?? new)
        }
        var answer: JSONObject = [
            "token": .string(issued.access), "access_token": .string(issued.access),
            "expires_in": .integer(settings.lifetime),
            "issued_at": .string(Timestamp(seconds: Timestamp.now.seconds).rfc3339(fixedWidth: false)),
        ]
        if let refresh = issued.refresh { answer["refresh_token"] = .string(refresh) }
        try await exchange.json(.object(answer), [("Cache-Control", "no-store")])
    }

    /// Who asks; nil for nobody in particular.
    /// - Throws: `AccessRefusal` where what shows it is wrong
    private static func user(
        _ form: Query, _ head: RequestHead, _ gatekeeper: Gatekeeper, _ settings: Gatekeeper.TokenSettings
    ) throws -> String? {
        let user: String?
        if let token = form["refresh_token"] {
            user = gatekeeper.user(refreshToken: token, settings)
        } else if let name = form["username"], let password = form["password"] {
            user = gatekeeper.passwords?.verify(name, Array(password.utf8)) == true ? name : nil
        } else if head["authorization"] != nil {
            user = gatekeeper.user(head)
        } else {
            return nil
        }
        guard let user else {
            throw AccessRefusal(challenge: "Basic realm=\"\(settings.service)\", charset=\"UTF-8\"")
        }
        return user
    }

    /// The form of a POST (Docker's token protocol over OAuth 2).
    private static func form(_ exchange: Exchange) throws(RegistryError) -> Query {
        guard case .collected(let body) = exchange.body else { return Query("") }
        let form = Query(Substring(String(buffer: body)))
        switch form["grant_type"] ?? "password" {
        case "password": return form
        case "refresh_token":
            guard form["refresh_token"] != nil else {
                throw RegistryError(.unauthorized, "grant_type=refresh_token needs a refresh_token")
            }
            return form
        default:
            throw RegistryError(
                .unsupported, "only grant_type=password and grant_type=refresh_token are supported")
        }
    }
}
