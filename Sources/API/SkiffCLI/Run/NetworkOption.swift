import JSONCodec

/// The value of `--network`: a name, or `name=…,alias=…,ip=…`.
struct NetworkOption {
    var name = ""
    var aliases: [String] = []
    var links: [String] = []
    var ipv4 = ""
    var ipv6 = ""
    var linkLocal: [String] = []
    var macAddress = ""
    var driverOptions = JSONObject()
    var gatewayPriority: Int64 = 0

    init(name: String) { self.name = name }

    /// - Throws: `UsageError` in Docker's words
    init(parsing text: String) throws(UsageError) {
        guard text.contains("=") else {
            name = text
            return
        }
        for field in try CommaSeparated.fields(text) {
            guard let (key, value) = field.cut("="), !key.isEmpty else {
                throw UsageError("invalid field \(field)")
            }
            try apply(key.lowercased().trimmed, value.trimmed, key)
        }
        if name.isEmpty { throw UsageError("network name/id is not specified") }
    }

    private mutating func apply(_ key: String, _ value: String, _ original: String) throws(UsageError) {
        switch key {
        case "name": name = value
        case "alias": aliases.append(value)
        case "ip": ipv4 = value
        case "ip6": ipv6 = value
        case "mac-address": macAddress = value
        case "link-local-ip": linkLocal.append(value)
        case "driver-opt":
            guard let (name, option) = value.cut("="), !name.isEmpty else {
                throw UsageError("invalid key value pair format in driver options")
            }
            driverOptions[name.trimmed.lowercased()] = .string(option.trimmed.lowercased())
        case "gw-priority":
            guard let number = Int64(value) else {
                throw UsageError(
                    "invalid gw-priority (\(value)): invalid syntax")
            }
            gatewayPriority = number
        default: throw UsageError("invalid field key \(original)")
        }
    }

    /// Whether the network is none of those that the engine has by itself.
    var isUserDefined: Bool { Self.isUserDefined(name) }

    static func isUserDefined(_ name: String) -> Bool {
        !["default", "bridge", "host", "none", "nat"].contains(name) && name != "container"
            && !name.hasPrefix("container:")
    }

    /// Whether nothing but the name was given.
    private var isPlain: Bool {
        aliases.isEmpty && links.isEmpty && ipv4.isEmpty && ipv6.isEmpty && linkLocal.isEmpty
            && macAddress.isEmpty
            && driverOptions.isEmpty && gatewayPriority == 0
    }

    /// The endpoint's settings; nil where nothing but the name was given.
    /// - Throws: `CommandError`
    func endpoint() throws(CommandError) -> JSONValue? {
        if name.trimmed.isEmpty { throw CommandError(.invalidArgument, "no name set for network") }
        if !isUserDefined {
            if !aliases.isEmpty {
                throw CommandError(
                    .invalidArgument, "network-scoped aliases are only supported for user-defined networks")
            }
            if !links.isEmpty {
                throw CommandError(.invalidArgument, "links are only supported for user-defined networks")
            }
        }
        if isPlain { return nil }
        return .object(settings)
    }

    /// Every member of the API's endpoint settings, as Docker's client writes them.
    var settings: JSONObject {
        func texts(_ list: [String]) -> JSONValue {
            list.isEmpty ? .null : .array(list.map(JSONValue.string))
        }
        var address = JSONObject()
        if !ipv4.isEmpty { address["IPv4Address"] = .string(ipv4) }
        if !ipv6.isEmpty { address["IPv6Address"] = .string(ipv6) }
        if !linkLocal.isEmpty { address["LinkLocalIPs"] = texts(linkLocal) }
        var object = JSONObject()
        object["IPAMConfig"] = address.isEmpty ? .null : .object(address)
        object["Links"] = texts(links)
        object["Aliases"] = texts(aliases)
        object["MacAddress"] = .string(macAddress)
        object["DriverOpts"] = driverOptions.isEmpty ? .null : .object(driverOptions)
        object["GwPriority"] = .integer(gatewayPriority)
        for key in ["NetworkID", "EndpointID", "Gateway", "IPAddress", "IPv6Gateway", "GlobalIPv6Address"] {
            object[key] = ""
        }
        object["IPPrefixLen"] = 0
        object["GlobalIPv6PrefixLen"] = 0
        object["DNSNames"] = .null
        return object
    }
}
