import Crypto
import HTTPTransport
import LinuxKernel
import OCIModel

/// Decides who sends a request and what they may do.
final class Gatekeeper: Sendable {
    enum Mode: Sendable {
        case open
        case basic(realm: String)
        case token(TokenSettings)
    }

    struct TokenSettings: Sendable {
        /// Where clients get tokens; nil for the registry's own `/token`.
        var realm: String?
        var service: String
        var issuer: String
        var keys: [TokenKey]
        /// What own tokens are signed with; nil where another service issues them.
        var signer: P256.Signing.PrivateKey?
        /// For how long own tokens are good, in seconds.
        var lifetime: Int64 = 300
        /// For how long a login is good that clients keep instead of a password; 0 for no such logins.
        var refreshLifetime: Int64 = 0
    }

    let mode: Mode
    let passwords: PasswordFile?
    private let rules: AccessRules

    init(mode: Mode, passwords: PasswordFile?, rules: AccessRules) {
        self.mode = mode
        self.passwords = passwords
        self.rules = rules
    }

    /// Blocks for as long as a password hash costs.
    /// - Throws: `AccessRefusal`, `RegistryError` (`denied`)
    func admit(_ head: RequestHead, _ need: AccessNeed, host: String, isSecure: Bool) throws -> Grants {
        switch mode {
        case .open: return .everything
        case .basic(let realm):
            let challenge = "Basic realm=\"\(realm)\", charset=\"UTF-8\""
            if head["authorization"] == nil {
                // Clients ask at `/v2/` whether to log in at all, so nobody gets in there without.
                let grants = rules.grants(to: nil)
                guard !need.isRegistry, need.isMet(by: grants) else {
                    throw AccessRefusal(challenge: challenge)
                }
                return grants
            }
            guard let user = user(head) else { throw AccessRefusal(challenge: challenge) }
            let grants = rules.grants(to: user)
            guard need.isMet(by: grants) else { throw Self.denied(need, user) }
            return grants
        case .token(let settings):
            return try admit(head, need, settings, host: host, isSecure: isSecure)
        }
    }

    private func admit(
        _ head: RequestHead, _ need: AccessNeed, _ settings: TokenSettings, host: String, isSecure: Bool
    ) throws -> Grants {
        let realm = settings.realm ?? "\(isSecure ? "https" : "http")://\(host)/token"
        var challenge = "Bearer realm=\"\(realm)\",service=\"\(settings.service)\""
        if let scope = need.scope { challenge += ",scope=\"\(scope)\"" }
        guard let text = Self.credentials(head, "bearer") else { throw AccessRefusal(challenge: challenge) }
        let token = Token.verified(
            text, keys: settings.keys, issuer: settings.issuer, audience: settings.service,
            now: RegistryStore.now)
        guard let token else { throw AccessRefusal(challenge: challenge + ",error=\"invalid_token\"") }
        let grants = token.grants
        guard need.isMet(by: grants) else {
            throw AccessRefusal(challenge: challenge + ",error=\"insufficient_scope\"")
        }
        return grants
    }

    private static func denied(_ need: AccessNeed, _ user: String) -> RegistryError {
        RegistryError(.denied, "\(user) may not do this\(need.scope.map { " (\($0))" } ?? "")")
    }

    /// Whether `admit` may have to check a password that is not known yet, and so to compute for long.
    func hasToCheckPassword(_ head: RequestHead) -> Bool {
        guard case .basic = mode, let (name, password) = Self.login(head), let passwords else { return false }
        return !passwords.isVerified(name, password)
    }

    /// The user whose name and password the request carries; nil where it carries none or a wrong one.
    func user(_ head: RequestHead) -> String? {
        guard let (name, password) = Self.login(head), let passwords else { return nil }
        return passwords.verify(name, password) ? name : nil
    }

    private static func login(_ head: RequestHead) -> (name: String, password: [UInt8])? {
        guard let text = credentials(head, "basic"), let bytes = Base64.decode(text),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        return (String(decoding: bytes[..<colon], as: UTF8.self), Array(bytes[(colon + 1)...]))
    }

    private static func credentials(_ head: RequestHead, _ scheme: String) -> String? {
        guard let field = head["authorization"], let blank = field.firstIndex(of: " "),
            field[..<blank].lowercased() == scheme
        else { return nil }
        return field[blank...].trimmingBlanks()
    }

    /// A login that a client keeps instead of the password: good for tokens, until the password is another.
    /// - Returns: nil where the user is nobody, or such logins are switched off
    func refreshToken(_ settings: TokenSettings, user: String?) throws -> String? {
        guard let user, let signer = settings.signer, settings.refreshLifetime > 0,
            let stamp = passwords?.stamp(user)
        else { return nil }
        let now = RegistryStore.now
        return try Token(
            issuer: settings.issuer, audience: settings.refreshAudience, subject: user, issued: now,
            expires: now + settings.refreshLifetime, access: [], stamp: stamp
        ).signed(by: signer)
    }

    /// - Returns: the user whose login it is; nil where it is none, or none any more
    func user(refreshToken text: String, _ settings: TokenSettings) -> String? {
        guard let signer = settings.signer, settings.refreshLifetime > 0 else { return nil }
        // Only what this registry has signed itself, whoever else's tokens it takes.
        let token = Token.verified(
            text, keys: [.ecdsa(signer.publicKey)], issuer: settings.issuer,
            audience: settings.refreshAudience,
            now: RegistryStore.now)
        guard let token, let stamp = token.stamp, stamp == passwords?.stamp(token.subject) else { return nil }
        return token.subject
    }

    /// Issues a token for what is asked for and allowed.
    /// - Parameter user: nil for somebody without a password
    func token(_ settings: TokenSettings, user: String?, scopes: [String]) throws -> Token? {
        guard settings.signer != nil else { return nil }
        let grants =
            user == nil && rules.rules == nil
            ? Grants(user: nil, allowsCatalog: false) { _, _ in false } : rules.grants(to: user)
        let now = RegistryStore.now
        let access = scopes.flatMap { $0.split(separator: " ") }.prefix(64).compactMap { TokenScope($0) }
            .map { $0.access(of: grants) }.filter { !$0.actions.isEmpty }
        return Token(
            issuer: settings.issuer, audience: settings.service, subject: user ?? "", issued: now,
            expires: now + settings.lifetime, access: access)
    }
}

extension Gatekeeper.TokenSettings {
    /// Not the service itself: such a token opens nothing.
    var refreshAudience: String { "refresh:\(service)" }
}

extension AccessNeed {
    var isRegistry: Bool { if case .registry = object { true } else { false } }
}

/// Credentials are missing or wrong, and this is how to get in (RFC 9110, section 11.6.1).
struct AccessRefusal: Error {
    let challenge: String
}
