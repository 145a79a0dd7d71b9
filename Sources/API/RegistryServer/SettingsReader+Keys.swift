import Glibc
import HTTPTransport
import LinuxKernel

extension SettingsReader {
    /// Every setting, in the order of the help.
    package static let keys: [Key] = content + connections + access + limits + operation

    private static let content = [
        Key(name: "root", value: "FOLDER", help: "where the content is kept") { $0.root = $1 },
        Key(name: "read-only", value: "", help: "takes no pushes and no deletions") {
            $0.isReadOnly = try flag($1)
        },
        Key(name: "delete", value: "BOOL", help: "whether tags, manifests and blobs can be deleted (true)") {
            $0.allowsDeletion = try flag($1)
        },
        Key(
            name: "proxy", value: "HOST",
            help: "keeps copies of this registry's content: docker.io, https://HOST:PORT"
        ) {
            let isInsecure = $1.hasPrefix("http://")
            var host = $1
            for scheme in ["http://", "https://"] where host.hasPrefix(scheme) {
                host.removeFirst(scheme.count)
            }
            while host.hasSuffix("/") { host.removeLast() }
            guard !host.isEmpty, !host.contains("/") else {
                throw invalid("proxy: expected HOST or HOST:PORT")
            }
            var proxy = $0.proxy ?? Upstream.Settings(host: host)
            proxy.host = host
            proxy.isInsecure = proxy.isInsecure || isInsecure
            $0.proxy = proxy
        },
        Key(
            name: "proxy-insecure", value: "", help: "takes upstream's certificate whoever signed it, or none"
        ) {
            $0.proxy = $0.proxy ?? Upstream.Settings(host: "")
            $0.proxy?.isInsecure = try flag($1)
        },
        Key(name: "proxy-username", value: "NAME", help: "the user upstream") {
            $0.proxy = $0.proxy ?? Upstream.Settings(host: "")
            $0.proxy?.username = $1
        },
        Key(name: "proxy-password-file", value: "FILE", help: "holds the password upstream") {
            var text = String(decoding: try readFile($1, limit: 64 << 10), as: UTF8.self)
            while text.hasSuffix("\n") || text.hasSuffix("\r") { text.removeLast() }
            $0.proxy = $0.proxy ?? Upstream.Settings(host: "")
            $0.proxy?.password = text
        },
        Key(
            name: "proxy-lifetime", value: "TIME",
            help: "how long a tag is served without asking upstream (60s)"
        ) {
            $0.proxy = $0.proxy ?? Upstream.Settings(host: "")
            $0.proxy?.lifetime = try duration($1)
        },
    ]

    private static let connections = [
        Key(
            name: "listen", value: "ADDRESS",
            help: "tcp://HOST:PORT, unix://PATH or fd://; may be repeated (tcp://127.0.0.1:5000)"
        ) {
            $0.listen.append(try ListenAddress($1))
        },
        Key(name: "tls-cert", value: "FILE", help: "certificate and those between it and its authority, PEM")
        {
            $0.tlsCertificate = $1
        },
        Key(name: "tls-key", value: "FILE", help: "private key of the certificate, PEM") { $0.tlsKey = $1 },
        Key(
            name: "tls-client-ca", value: "FILE",
            help: "clients have to show a certificate of these authorities"
        ) {
            $0.tlsClientAuthorities = $1
        },
        Key(name: "idle-timeout", value: "TIME", help: "closes connections on which nothing moves (120s)") {
            $0.idleTimeout = try duration($1)
        },
        Key(name: "threads", value: "NUMBER", help: "threads that move bytes (one per processor)") {
            guard let count = Int($1), (0...256).contains(count) else {
                throw invalid("threads: expected 0 to 256")
            }
            $0.threads = count
        },
    ]

    private static let access = [
        Key(name: "auth", value: "KIND", help: "none, basic or token (basic where there is an htpasswd)") {
            guard let kind = RegistrySettings.Authentication(rawValue: $1) else {
                throw invalid("auth: expected none, basic or token")
            }
            $0.authentication = kind
        },
        Key(name: "htpasswd", value: "FILE", help: "users and password hashes, as htpasswd -B writes them") {
            $0.passwordFile = $1
        },
        Key(name: "realm", value: "TEXT", help: "what users are shown when they are asked to log in") {
            guard !$1.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) else {
                throw invalid("realm: no quotes, backslashes or control characters")
            }
            $0.realm = $1
        },
        Key(name: "token-realm", value: "URL", help: "another token service (the registry's own)") {
            $0.tokenRealm = $1
        },
        Key(name: "token-service", value: "NAME", help: "the audience of tokens (skiff-registry)") {
            $0.tokenService = $1
        },
        Key(name: "token-issuer", value: "NAME", help: "the issuer of tokens (skiff-registry)") {
            $0.tokenIssuer = $1
        },
        Key(
            name: "token-key", value: "FILE",
            help: "public key or certificate (P-256 or RSA, PEM) of another token service; may be repeated"
        ) {
            $0.tokenKeys.append($1)
        },
        Key(name: "token-lifetime", value: "TIME", help: "how long the registry's tokens are good (300s)") {
            $0.tokenLifetime = max(60, try duration($1))
        },
        Key(
            name: "token-refresh-lifetime", value: "TIME",
            help: "how long clients stay logged in without keeping the password, 0 for not at all (90d)"
        ) {
            $0.tokenRefreshLifetime = try duration($1)
        },
    ]

    private static let limits = [
        Key(name: "max-manifest", value: "SIZE", help: "largest manifest (4m)") {
            let size = try size($1)
            guard (1 << 10...64 << 20).contains(size) else {
                throw invalid("max-manifest: expected 1k to 64m")
            }
            $0.manifestLimit = Int(size)
        },
        Key(name: "quota", value: "SIZE", help: "largest size of all content together") {
            $0.quota = try size($1)
        },
        Key(name: "repository-quota", value: "SIZE", help: "largest size of one repository's content") {
            $0.repositoryQuota = try size($1)
        },
        Key(name: "grace", value: "TIME", help: "how long blobs without a manifest are kept (24h)") {
            $0.grace = try duration($1)
        },
        Key(
            name: "collect-interval", value: "TIME",
            help: "time between runs of the collector, 0 for never (1h)"
        ) {
            $0.collectInterval = try duration($1)
        },
        Key(name: "collect-untagged", value: "", help: "the collector takes manifests that nothing leads to")
        {
            $0.collectsUntagged = try flag($1)
        },
        Key(name: "upload-timeout", value: "TIME", help: "how long unfinished uploads are kept (24h)") {
            $0.uploadTimeout = try duration($1)
        },
        Key(name: "upload-lifetime", value: "TIME", help: "how long an upload may go on (7d)") {
            $0.uploadLifetime = try duration($1)
        },
    ]

    private static let operation = [
        Key(name: "access-log", value: "FILE", help: "a line for every request; - for standard output") {
            $0.accessLog = $1
        },
        Key(name: "metrics", value: "ADDRESS", help: "serves /metrics there, for Prometheus") {
            $0.metrics = try ListenAddress($1)
        },
        Key(name: "drain", value: "TIME", help: "how long requests may go on after SIGTERM (30s)") {
            $0.drain = try duration($1)
        },
        Key(name: "log-level", value: "LEVEL", help: "debug, info, warn or error") {
            guard ["debug", "info", "warn", "error"].contains($1) else {
                throw invalid("log-level: expected debug, info, warn or error")
            }
            $0.logLevel = $1
        },
    ]
}
