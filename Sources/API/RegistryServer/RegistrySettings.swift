import Crypto
package import HTTPTransport

/// How a registry is run. Made from flags and a file by `SettingsReader`.
package struct RegistrySettings: Sendable {
    package enum Authentication: String, Sendable { case none, basic, token }

    /// Folder of the content.
    package var root = "/var/lib/skiff-registry"
    package var listen: [ListenAddress] = []
    package var tlsCertificate: String?
    package var tlsKey: String?
    package var tlsClientAuthorities: String?

    package var authentication = Authentication.none
    package var passwordFile: String?
    package var realm = "Skiff registry"
    package var rules = AccessRules()
    /// Where clients get tokens; nil for the registry itself.
    package var tokenRealm: String?
    package var tokenService = "skiff-registry"
    package var tokenIssuer = "skiff-registry"
    /// Public keys of another token service, in PEM files.
    package var tokenKeys: [String] = []
    package var tokenLifetime: Int64 = 300
    package var tokenRefreshLifetime: Int64 = 90 * 86400

    package var isReadOnly = false
    package var allowsDeletion = true
    /// Bytes of a manifest.
    package var manifestLimit = 4 << 20
    /// Bytes; nil for no bound.
    package var quota: Int64?
    package var repositoryQuota: Int64?

    /// For how long what no manifest uses is kept, in seconds.
    package var grace: Int64 = 24 * 3600
    /// Seconds between runs of the collector; 0 for never.
    package var collectInterval: Int64 = 3600
    package var collectsUntagged = false
    /// For how long an upload is kept that nobody goes on with, in seconds.
    package var uploadTimeout: Int64 = 24 * 3600
    /// For how long an upload may go on.
    package var uploadLifetime: Int64 = 7 * 24 * 3600

    var proxy: Upstream.Settings?
    package var accessLog: String?
    package var metrics: ListenAddress?
    /// How long requests may take to end after a SIGTERM, in seconds.
    package var drain: Int64 = 30
    /// Seconds after which a connection on which nothing moves is closed.
    package var idleTimeout: Int64 = 120
    /// Threads that move bytes; 0 for one per processor.
    package var threads = 0
    package var logLevel = "info"

    package init() {}

    package static let defaultListen = ListenAddress.tcp(host: "127.0.0.1", port: 5000)

    func gatekeeper() throws -> Gatekeeper {
        let passwords = try passwordFile.map { try PasswordFile(path: $0) }
        switch authentication {
        case .none: return Gatekeeper(mode: .open, passwords: nil, rules: rules)
        case .basic: return Gatekeeper(mode: .basic(realm: realm), passwords: passwords, rules: rules)
        case .token:
            let signer = tokenRealm == nil ? try SigningKey.load("\(root)/token.key") : nil
            let keys =
                try tokenKeys.map { try TokenKey(file: $0) } + (signer.map { [.ecdsa($0.publicKey)] } ?? [])
            return Gatekeeper(
                mode: .token(
                    Gatekeeper.TokenSettings(
                        realm: tokenRealm, service: tokenService, issuer: tokenIssuer, keys: keys,
                        signer: signer, lifetime: tokenLifetime, refreshLifetime: tokenRefreshLifetime)),
                passwords: passwords, rules: rules)
        }
    }
}
