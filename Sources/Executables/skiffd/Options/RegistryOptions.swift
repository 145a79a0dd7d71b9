import Engine
import Glibc
import JSONCodec
import OCIModel
import RegistryClient

/// The options about registries.
enum RegistryOptions {
    static func read(_ reader: OptionReader, _ values: JSONObject) throws(OptionError) -> RegistrySettings {
        var settings = RegistrySettings()
        settings.client.userAgent = "skiff (linux)"
        settings.client.insecureRegistries = try reader.strings("insecure-registries") ?? []
        for entry in settings.client.insecureRegistries where entry.isEmpty || entry.contains(" ") {
            throw OptionError("insecure-registries: \"\(entry)\" is neither a host nor a network")
        }
        settings.client.mirrors = try mirrors(try reader.strings("registry-mirrors") ?? [])
        settings.parallelDownloads = try reader.integer("max-concurrent-downloads", 1...64) ?? 6
        settings.parallelUploads = try reader.integer("max-concurrent-uploads", 1...64) ?? 5
        settings.client.attempts = try reader.integer("max-download-attempts", 1...1000) ?? 5
        settings.keepsCompressedLayers = try reader.bool("keep-compressed-layers") ?? true
        settings.client.proxies = try proxies(reader, values["proxies"])
        return settings
    }

    /// `URL` is one of the default registry, `HOST=URL` of another.
    private static func mirrors(_ texts: [String]) throws(OptionError) -> [String: [String]] {
        var mirrors: [String: [String]] = [:]
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            let isNamed = parts.count == 2 && !parts[0].contains("/")
            let address = isNamed ? parts[1] : text
            guard let parsed = WebAddress(address), parsed.target == "/" else {
                throw OptionError(
                    "registry-mirrors: invalid mirror: \"\(text)\" is no address such as https://mirror.example:5000"
                )
            }
            mirrors[isNamed ? parts[0] : Reference.defaultDomain, default: []].append(address)
        }
        return mirrors
    }

    /// Options before the environment.
    private static func proxies(_ reader: OptionReader, _ object: JSONValue?) throws(OptionError)
        -> ProxySettings
    {
        var environment: [String: String] = [:]
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"] {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        var settings = ProxySettings(environment: environment)
        func text(_ key: String) throws(OptionError) -> String? {
            if let value = try reader.string(key) { return value }
            guard let value = object?[key], !value.isNull else { return nil }
            guard let text = value.stringValue else {
                throw OptionError("proxies: \(key): expected a string")
            }
            return text
        }
        if let value = try text("http-proxy") { settings.http = value }
        if let value = try text("https-proxy") { settings.https = value }
        if let value = try text("no-proxy") { settings.none = value }
        for proxy in [settings.http, settings.https] where !proxy.isEmpty {
            guard WebAddress(proxy, defaultScheme: .http) != nil else {
                throw OptionError("http-proxy, https-proxy: \"\(proxy)\" is no address of a proxy")
            }
        }
        return settings
    }
}
