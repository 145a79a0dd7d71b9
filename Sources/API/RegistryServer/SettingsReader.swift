import HTTPTransport
import JSONCodec
import LinuxKernel

/// Reads settings from flags and from a JSON file, whose members have the flags' names. A flag beats the file.
package struct SettingsReader {
    package struct Key: Sendable {
        package let name: String
        /// What stands for the value in the help; empty for a switch.
        package let value: String
        package let help: String
        let apply: @Sendable (inout RegistrySettings, String) throws -> Void
    }

    private var settings = RegistrySettings()

    package init() {}

    /// - Parameters:
    ///   - file: bytes of the configuration file; nil for none
    ///   - flags: names without hyphens, in order
    /// - Throws: `RegistryError` (`configurationInvalid`)
    package mutating func read(
        file: [UInt8]?, flags: [(name: String, value: String)]
    ) throws -> RegistrySettings {
        let given = Set(flags.map(\.name))
        if let file { try read(file, except: given) }
        for flag in flags { try apply(flag.name, flag.value) }
        try validate()
        return settings
    }

    private mutating func read(_ file: [UInt8], except given: Set<String>) throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: file)
        } catch {
            throw Self.invalid("the configuration file is not valid JSON: \(error)")
        }
        guard let object = value.objectValue else {
            throw Self.invalid("the configuration file is not a JSON object")
        }
        for (name, value) in zip(object.keys, object.values) where !given.contains(name) {
            if name == "access" {
                settings.rules = try AccessRules(value)
                continue
            }
            for item in value.arrayValue ?? [value] { try apply(name, try Self.text(item, name)) }
        }
    }

    private static func text(_ value: JSONValue, _ name: String) throws -> String {
        switch value {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .bool(let flag): flag ? "true" : "false"
        default: throw invalid("\(name): expected a string, a number or a truth value")
        }
    }

    private mutating func apply(_ name: String, _ value: String) throws {
        guard let key = Self.keys.first(where: { $0.name == name }) else {
            throw Self.invalid("unknown setting \"\(name)\"")
        }
        do {
            try key.apply(&settings, value)
        } catch let error as RegistryError {
            throw error
        } catch let error as HTTPTransportError {
            throw Self.invalid("\(name): \(error.message)")
        } catch let error as SystemCallError {
            throw Self.invalid("\(name): \(error)")
        }
    }

    private mutating func validate() throws {
        if settings.listen.isEmpty { settings.listen = [RegistrySettings.defaultListen] }
        guard (settings.tlsCertificate == nil) == (settings.tlsKey == nil) else {
            throw Self.invalid("tls-cert and tls-key belong together")
        }
        if settings.tlsClientAuthorities != nil, settings.tlsCertificate == nil {
            throw Self.invalid("tls-client-ca needs tls-cert and tls-key")
        }
        if settings.authentication == .none, settings.passwordFile != nil { settings.authentication = .basic }
        let needsPasswords =
            settings.authentication == .basic
            || (settings.authentication == .token && settings.tokenRealm == nil)
        if needsPasswords, settings.passwordFile == nil {
            throw Self.invalid(
                "auth=\(settings.authentication.rawValue) needs htpasswd, the file with the users")
        }
        if settings.tokenRealm != nil, settings.tokenKeys.isEmpty {
            throw Self.invalid("token-realm needs token-key, the public key of that service")
        }
    }

    static func invalid(_ message: String) -> RegistryError { RegistryError(.configurationInvalid, message) }

    /// `10g`, `512MiB`, `4096`: powers of 1024.
    static func size(_ text: String) throws -> Int64 {
        let number = text.prefix { $0.isASCII && $0.isNumber }
        let shifts: [String: Int64] = ["": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40]
        var unit = text.dropFirst(number.count).lowercased()
        if unit.hasSuffix("ib") {
            unit.removeLast(2)
        } else if unit.count == 2, unit.hasSuffix("b") {
            unit.removeLast()
        }
        guard let value = Int64(number), value >= 0, let shift = shifts[unit], value <= Int64.max >> shift
        else {
            throw invalid("\"\(text)\" is no size: expected a number with k, m, g or t behind it")
        }
        return value << shift
    }

    /// `90`, `90s`, `15m`, `24h`, `7d`, in seconds.
    static func duration(_ text: String) throws -> Int64 {
        let number = text.prefix { $0.isASCII && $0.isNumber }
        let factors: [Substring: Int64] = ["": 1, "s": 1, "m": 60, "h": 3600, "d": 86400]
        guard let value = Int64(number), let factor = factors[text.dropFirst(number.count)], value < 1 << 40
        else {
            throw invalid("\"\(text)\" is no duration: expected a number with s, m, h or d behind it")
        }
        return value * factor
    }

    static func flag(_ text: String) throws -> Bool {
        switch text {
        case "true", "1", "yes", "": true
        case "false", "0", "no": false
        default: throw invalid("\"\(text)\" is neither true nor false")
        }
    }
}
