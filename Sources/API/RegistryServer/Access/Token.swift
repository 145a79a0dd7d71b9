import Crypto
import JSONCodec
import OCIModel

/// A token of the registry's (JSON Web Token, RFC 7519): who, until when, and what.
struct Token: Sendable, Equatable {
    struct Access: Sendable, Equatable {
        var type: String
        var name: String
        var actions: [String]
    }

    var issuer: String
    var audience: String
    var subject: String
    /// In seconds since 1970.
    var issued: Int64
    var expires: Int64
    var access: [Access]
    /// What has to be the same still for the token to be good; nil where nothing has to.
    var stamp: String?

    /// How far clocks may be apart, in seconds.
    private static let leeway: Int64 = 60

    var grants: Grants {
        let access = access
        let seesAll = access.contains {
            $0.type == "registry" && $0.name == "catalog" && $0.actions.contains("*")
        }
        return Grants(user: subject.isEmpty ? nil : subject, allowsCatalog: seesAll) { action, repository in
            access.contains {
                $0.type == "repository" && $0.name == repository.description
                    && ($0.actions.contains(action.rawValue) || $0.actions.contains("*"))
            }
        }
    }

    func signed(by key: P256.Signing.PrivateKey) throws -> String {
        let header: JSONValue = [
            "alg": "ES256", "typ": "JWT", "kid": .string(Self.keyID(key.publicKey)),
        ]
        var claims: JSONObject = [
            "iss": .string(issuer), "aud": .string(audience), "sub": .string(subject),
            "iat": .integer(issued),
            "nbf": .integer(issued), "exp": .integer(expires),
            "access": .array(
                access.map {
                    [
                        "type": .string($0.type), "name": .string($0.name),
                        "actions": .array($0.actions.map { .string($0) }),
                    ]
                }),
        ]
        if let stamp { claims["stamp"] = .string(stamp) }
        let text =
            "\(Base64.encodeURL(header.bytes())).\(Base64.encodeURL(JSONValue.object(claims).bytes()))"
        let signature = try key.signature(for: Array(text.utf8))
        return "\(text).\(Base64.encodeURL(signature.rawRepresentation))"
    }

    static func keyID(_ key: P256.Signing.PublicKey) -> String {
        Base64.encodeURL(Array(SHA256.hash(data: key.rawRepresentation)).prefix(16))
    }

    /// - Returns: nil where it is no token of these keys, not for this audience, or not of this time
    static func verified(
        _ text: String, keys: [TokenKey], issuer: String, audience: String, now: Int64
    ) -> Token? {
        let parts: [Substring] = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, text.utf8.count <= 32 << 10, let header = Self.json(parts[0]),
            let algorithm = header["alg"]?.stringValue, let signature = Base64.decode(parts[2])
        else { return nil }
        let signed = Array("\(parts[0]).\(parts[1])".utf8)
        // The key says how it signs; what the token says has to be the same.
        guard keys.contains(where: { $0.algorithm == algorithm && $0.hasSigned(signed, signature) }),
            let claims = Self.json(parts[1]), let expires = Self.time(claims["exp"])
        else { return nil }
        let audiences =
            claims["aud"]?.arrayValue?.compactMap(\.stringValue) ?? [claims["aud"]?.stringValue ?? ""]
        guard claims["iss"]?.stringValue == issuer, audiences.contains(audience),
            now < expires.addingReportingOverflow(Self.leeway).partialValue,
            Self.time(claims["nbf"]).map({ $0 - Self.leeway <= now }) ?? true
        else { return nil }
        let access = (claims["access"]?.arrayValue ?? []).map {
            Access(
                type: $0["type"]?.stringValue ?? "", name: $0["name"]?.stringValue ?? "",
                actions: $0["actions"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        }
        return Token(
            issuer: issuer, audience: audience, subject: claims["sub"]?.stringValue ?? "",
            issued: Self.time(claims["iat"]) ?? 0, expires: expires, access: access,
            stamp: claims["stamp"]?.stringValue)
    }

    private static func json(_ part: Substring) -> JSONValue? {
        Base64.decode(part).flatMap { try? JSONValue(parsing: $0) }
    }

    /// Bounded, so that sums of it do not overflow.
    private static func time(_ value: JSONValue?) -> Int64? {
        guard let seconds = value?.integerValue ?? value?.doubleValue.map({ Int64(max(0, min($0, 1e15))) })
        else { return nil }
        return max(0, min(seconds, 1 << 50))
    }
}

/// One `scope` of a request for a token: `repository:team/app:pull,push`.
struct TokenScope: Sendable, Equatable {
    let type: String
    let name: String
    let actions: [String]

    init?(_ text: some StringProtocol) {
        guard let first = text.firstIndex(of: ":"), let last = text.lastIndex(of: ":"), first < last,
            text.utf8.count <= 1024
        else { return nil }
        // A class may stand behind the type, in parentheses; it says nothing here.
        type = String(text[..<first].prefix { $0 != "(" })
        name = String(text[text.index(after: first)..<last])
        actions = text[text.index(after: last)...].split(separator: "," as Character).map { String($0) }
    }

    /// The part of it that is granted.
    func access(of grants: Grants) -> Token.Access {
        var granted: [String] = []
        if type == "repository", let repository = RepositoryName(name) {
            let asked = actions.contains("*") ? AccessAction.allCases.map(\.rawValue) : actions
            granted = asked.filter {
                AccessAction(rawValue: $0).map { grants.allows($0, repository) } ?? false
            }
        } else if type == "registry", name == "catalog", actions.contains("*"), grants.allowsCatalog {
            granted = ["*"]
        }
        return Token.Access(type: type, name: name, actions: granted)
    }
}
