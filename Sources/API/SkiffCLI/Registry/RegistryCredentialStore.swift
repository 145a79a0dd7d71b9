import Glibc
import JSONCodec
import LinuxKernel
import OCIModel

/// The user's credentials for registries: `auths`, `credsStore` and `credHelpers` of the client's `config.json`.
struct RegistryCredentialStore {
    /// What a registry or its token server gets. Never printed.
    struct Entry: Equatable {
        var username = ""
        var password = ""
        var identityToken = ""

        var isEmpty: Bool { username.isEmpty && password.isEmpty && identityToken.isEmpty }
    }

    /// Docker's name for the default registry, in files and helpers.
    static let defaultServer = "https://index.docker.io/v1/"

    private let folder: String
    private var content: JSONObject

    /// - Throws: `CommandError` where the file is damaged: it is about to be written again, or secrets depend on it
    init(folder: String) throws {
        self.folder = folder
        let path = folder + "/config.json"
        guard fileExists(path) else {
            content = JSONObject()
            return
        }
        do {
            content = try JSONValue(parsing: try readFile(path)).objectValue ?? JSONObject()
        } catch {
            throw CommandError(.environment, "cannot read \(path): \(error)")
        }
    }

    var path: String { folder + "/config.json" }

    /// The key of a registry in the file: its host, but for the default one.
    static func server(of domain: String) -> String {
        domain == Reference.defaultDomain ? defaultServer : domain
    }

    /// What `login` was given, as a key.
    static func server(typed text: String) -> String {
        let host = hostname(text)
        return host.isEmpty || host == Reference.defaultDomain || host == "index.docker.io"
            ? defaultServer : host
    }

    private static func hostname(_ key: String) -> String {
        var text = key[...]
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
            text = text.dropFirst(scheme.count)
        }
        return String(text.prefix { $0 != "/" })
    }

    /// The helper that keeps a server's credentials; nil where the file does.
    func helper(for server: String) -> String? {
        let own =
            content["credHelpers"]?[Self.hostname(server)]?.stringValue
            ?? content["credHelpers"]?[server]?.stringValue
        let name = own ?? content["credsStore"]?.stringValue
        return name.flatMap { $0.isEmpty ? nil : $0 }
    }

    // MARK: - Reading

    func entry(for server: String) throws -> Entry {
        if let helper = helper(for: server) {
            return try CredentialProgram(helper).get(server) ?? Entry()
        }
        let auths = content["auths"]?.objectValue ?? JSONObject()
        if let exact = auths[server] { return Self.decode(exact) }
        let host = Self.hostname(server)
        let key = auths.keys.first { Self.hostname($0) == host }
        return key.flatMap { auths[$0] }.map(Self.decode) ?? Entry()
    }

    private static func decode(_ value: JSONValue) -> Entry {
        var entry = Entry()
        entry.username = value["username"]?.stringValue ?? ""
        entry.password = value["password"]?.stringValue ?? ""
        entry.identityToken = value["identitytoken"]?.stringValue ?? ""
        if let auth = value["auth"]?.stringValue, let bytes = Base64.decode(auth) {
            let text = String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
            if let (name, secret) = text.cut(":") { (entry.username, entry.password) = (name, secret) }
        }
        return entry
    }

    /// The field `X-Registry-Auth` for a server.
    func field(for server: String) throws -> (name: String, value: String) {
        let entry = try entry(for: server)
        var object = JSONObject()
        if !entry.username.isEmpty { object["username"] = .string(entry.username) }
        if !entry.password.isEmpty { object["password"] = .string(entry.password) }
        if !entry.identityToken.isEmpty { object["identitytoken"] = .string(entry.identityToken) }
        object["serveraddress"] = .string(server)
        let text = Base64.encode(JSONValue.object(object).bytes())
        return ("X-Registry-Auth", String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }))
    }

    // MARK: - Writing

    /// - Returns: the helper that took it; nil where it lies in the file, readable for who can read that
    mutating func store(_ entry: Entry, for server: String) throws -> String? {
        var auths = content["auths"]?.objectValue ?? JSONObject()
        let helper = helper(for: server)
        if let helper {
            try CredentialProgram(helper).store(entry, for: server)
            auths[server] = .object(JSONObject())
        } else {
            var object = JSONObject()
            if entry.identityToken.isEmpty {
                object["auth"] = .string(Base64.encode("\(entry.username):\(entry.password)".utf8))
            } else {
                object["auth"] = .string(Base64.encode("\(entry.username):".utf8))
                object["identitytoken"] = .string(entry.identityToken)
            }
            auths[server] = .object(object)
        }
        content["auths"] = .object(auths)
        try save()
        return helper
    }

    /// - Returns: whether there was anything
    mutating func erase(_ server: String) throws -> Bool {
        var auths = content["auths"]?.objectValue ?? JSONObject()
        let host = Self.hostname(server)
        let keys = auths.keys.filter { $0 == server || Self.hostname($0) == host }
        if let helper = helper(for: server) { try CredentialProgram(helper).erase(server) }
        for key in keys { auths[key] = nil }
        content["auths"] = .object(auths)
        if !keys.isEmpty { try save() }
        return !keys.isEmpty
    }

    private func save() throws {
        do throws(SystemCallError) {
            try makeDirectories(folder, mode: 0o700)
            try replaceFile(path, JSONValue.object(content).bytes(.pretty), mode: 0o600)
        } catch {
            throw CommandError(.environment, "cannot write \(path): \(error)")
        }
    }
}
