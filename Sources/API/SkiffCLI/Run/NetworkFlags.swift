import GoTemplate
import JSONCodec

/// What `--network` and the flags around it ask for.
struct NetworkFlags {
    /// `HostConfig.NetworkMode`
    let mode: String
    private(set) var endpoints = JSONObject()

    init(_ flags: FlagValues) throws(CommandError) {
        var options: [NetworkOption] = []
        for text in flags.list(RunFlags.network) {
            do throws(UsageError) {
                options.append(try NetworkOption(parsing: text))
            } catch {
                throw CommandError(.invalidArgument, error.message)
            }
        }
        try Self.checkAddress(flags.string(RunFlags.macAddress))
        mode = options.first?.name ?? "default"
        if options.isEmpty {
            var option = NetworkOption(name: "default")
            try Self.apply(flags, to: &option)
            _ = try option.endpoint()
            endpoints["default"] = .object(option.settings)
            return
        }
        for (index, var option) in options.enumerated() {
            if index == 0 { try Self.apply(flags, to: &option) }
            let endpoint = try option.endpoint()
            guard endpoints[option.name] == nil else {
                throw CommandError(
                    .invalidArgument, "network \(GoPrinter.quoted(option.name)) is specified multiple times")
            }
            if options.count == 1, endpoint == nil { continue }
            endpoints[option.name] = .object(option.settings)
        }
        if Set(options.map(\.isUserDefined)).count > 1 {
            throw CommandError(
                .invalidArgument,
                "conflicting options: cannot attach both user-defined and non-user-defined network-modes")
        }
    }

    private static func checkAddress(_ text: String) throws(CommandError) {
        if text.isEmpty { return }
        let separator: Character = text.contains("-") ? "-" : text.contains(".") ? "." : ":"
        let parts = text.split(separator: separator, omittingEmptySubsequences: false)
        let width = separator == "." ? 4 : 2
        let valid =
            [6, 8, 20].contains(parts.count * width / 2)
            && parts.allSatisfy { $0.count == width && $0.allSatisfy(\.isHexDigit) }
        if !valid { throw CommandError(.invalidArgument, "\(text) is not a valid mac address") }
    }

    /// The flags that are about the first network.
    private static func apply(_ flags: FlagValues, to option: inout NetworkOption) throws(CommandError) {
        func conflict(_ flag: String, _ what: String) -> CommandError {
            CommandError(
                .invalidArgument, "conflicting options: cannot specify both --\(flag) and per-network \(what)"
            )
        }
        let aliases = flags.list(RunFlags.networkAlias)
        let links = flags.list(RunFlags.link)
        let local = flags.list(RunFlags.linkLocalIP)
        let (ip, ip6) = (flags.string(RunFlags.ip), flags.string(RunFlags.ip6))
        let mac = flags.string(RunFlags.macAddress)
        if !aliases.isEmpty, !option.aliases.isEmpty { throw conflict("network-alias", "alias") }
        if !links.isEmpty, !option.links.isEmpty { throw conflict("link", "links") }
        if !ip.isEmpty, !option.ipv4.isEmpty { throw conflict("ip", "IPv4 address") }
        if !ip6.isEmpty, !option.ipv6.isEmpty { throw conflict("ip6", "IPv6 address") }
        if !mac.isEmpty, !option.macAddress.isEmpty { throw conflict("mac-address", "MAC address") }
        if !local.isEmpty, !option.linkLocal.isEmpty {
            throw conflict("link-local-ip", "link-local IP addresses")
        }
        if !aliases.isEmpty { option.aliases = aliases }
        if !links.isEmpty, option.isUserDefined { option.links = links }
        if !ip.isEmpty { option.ipv4 = ip }
        if !ip6.isEmpty { option.ipv6 = ip6 }
        if !mac.isEmpty { option.macAddress = mac }
        if !local.isEmpty { option.linkLocal = local }
    }
}
