import HTTPTransport
import JSONCodec
import NIOCore
import OCIModel

/// The registry's own token service: Docker's token protocol, GET with a password by Basic, or POST with a form.
struct TokenRoute: Sendable {
    let registry: Registry

    func issue(_ exchange: Exchange) async throws {
        guard case .token(let settings) = registry.gatekeeper.mode, settings.signer != nil else {
            throw RegistryError(.pageNotFound, "this registry issues no tokens")
        }
        let form = exchange.head.method == "POST" ? try Self.form(exchange) : exchange.query
        guard form["service"] ?? settings.service == settings.service else {
            throw RegistryError(.denied, "tokens are issued for the service \(settings.service) only")
        }
        let gatekeeper = registry.gatekeeper
        let head = exchange.head
        let token = try await registry.blocking { _ -> String? in
            let user = gatekeeper.user(head) ?? Self.user(form, gatekeeper)
            let namesSomebody = head["authorization"] != nil || form["password"] != nil
            if namesSomebody, user == nil {
                throw AccessRefusal(challenge: "Basic realm=\"\(settings.service)\", charset=\"UTF-8\"")
            }
            guard let signer = settings.signer,
                let token = try gatekeeper.token(settings, user: user, scopes: form.all("scope"))
            else { return nil }
            return try token.signed(by: signer)
        }
        guard let token else { throw RegistryError(.pageNotFound, "this registry issues no tokens") }
        let issued = Timestamp.now
        try await exchange.json(
            [
                "token": .string(token), "access_token": .string(token),
                "expires_in": .integer(settings.lifetime),
                "issued_at": .string(Timestamp(seconds: issued.seconds).rfc3339(fixedWidth: false)),
            ], [("Cache-Control", "no-store")])
    }

    private static func user(_ form: Query, _ gatekeeper: Gatekeeper) -> String? {
        guard let name = form["username"], let password = form["password"],
            let passwords = gatekeeper.passwords
        else { return nil }
        return passwords.verify(name, Array(password.utf8)) ? name : nil
    }

    private static func form(_ exchange: Exchange) throws(RegistryError) -> Query {
        guard case .collected(let body) = exchange.body else { return Query("") }
        let form = Query(Substring(String(buffer: body)))
        guard form["grant_type"] ?? "password" == "password" else {
            throw RegistryError(
                .unsupported, "only grant_type=password is supported: log in with a name and a password")
        }
        return form
    }
}
