/// How this machine reaches registries.
package struct RegistryConfiguration: Sendable {
    /// Hosts (`registry.example:5000`) and networks (`10.0.0.0/8`) whose registries may have certificates that nobody
    /// signed, or none. Addresses of the loopback always count among them.
    package var insecureRegistries: [String] = []
    /// Servers that are asked before a registry, by the registry's name in references (`docker.io`): addresses such as
    /// `https://mirror.example:5000`, in their order.
    package var mirrors: [String: [String]] = [:]
    /// Folders with one folder per host, `HOST[:PORT]/{*.crt, *.cert, *.key}`: authorities, client certificates, keys.
    package var certificateFolders: [String] = ["/etc/skiff/certs.d", "/etc/docker/certs.d"]
    package var proxies = ProxySettings()
    package var userAgent = "skiff"
    /// How often something is tried before it has failed.
    package var attempts = 5
    /// Milliseconds before the second attempt; doubled with every further one.
    package var retryDelay = 500
    package var timeouts = Timeouts()

    package struct Timeouts: Sendable, Equatable {
        /// Milliseconds for a connection with its handshake.
        package var connect: Int32 = 20_000
        /// Milliseconds without any byte.
        package var idle: Int32 = 60_000

        package init() {}
    }

    package init() {}
}

/// Proxies as the environment names them.
package struct ProxySettings: Sendable, Equatable {
    /// For registries without TLS; empty for none.
    package var http = ""
    package var https = ""
    /// Hosts, domains (`.example.org`) and networks that are reached directly, separated by commas; `*` for all.
    package var none = ""

    package init() {}

    /// - Parameter environment: of the process; names in capitals win
    package init(environment: [String: String]) {
        func value(_ name: String) -> String {
            environment[name].flatMap { $0.isEmpty ? nil : $0 } ?? environment[name.lowercased()] ?? ""
        }
        http = value("HTTP_PROXY")
        https = value("HTTPS_PROXY")
        none = value("NO_PROXY")
    }
}

/// Who one is for a registry, as Docker's clients send it (`X-Registry-Auth`). Its description holds no secret.
package struct RegistryCredentials: Sendable, Equatable, CustomStringConvertible {
    package var username = ""
    package var password = ""
    /// A refresh token, exchanged for tokens by the token server.
    package var identityToken = ""
    /// A bearer token that is sent as it is.
    package var registryToken = ""

    package init() {}

    package init(username: String, password: String) {
        self.username = username
        self.password = password
    }

    package var isEmpty: Bool {
        username.isEmpty && password.isEmpty && identityToken.isEmpty && registryToken.isEmpty
    }

    package var description: String { isEmpty ? "anonymous" : "credentials of \"\(username)\"" }
}
