import LinuxKernel

/// The options of the bridge driver, as Docker names them.
enum BridgeOption {
    static let prefix = "com.docker.network.bridge."
    static let name = prefix + "name"
    static let interContainerCommunication = prefix + "enable_icc"
    static let masquerade = prefix + "enable_ip_masquerade"
    static let hostBinding = prefix + "host_binding_ipv4"
    static let modeV4 = prefix + "gateway_mode_ipv4"
    static let modeV6 = prefix + "gateway_mode_ipv6"
    static let inhibitIPv4 = prefix + "inhibit_ipv4"
    static let isDefault = prefix + "default_bridge"
    static let mtu = "com.docker.network.driver.mtu"
    /// Of a network, or of one endpoint.
    static let allowSpoofing = "skiff.allow_spoofing"
    static let interfacePrefix = "com.docker.network.container_iface_prefix"
}

/// Networks of containers behind a bridge of the host.
struct BridgeDriver: NetworkDriver {
    let configuration: NetworkConfiguration
    let routes: RouteClient

    func complete(_ record: inout NetworkRecord) throws(NetworkError) {
        let settings = try settings(of: record)
        guard try exists(settings.name) else { return }
        // One that the administrator made may be used; one of another network may not, which the controller checks.
        guard record.options[BridgeOption.name] != nil else {
            throw NetworkError(
                .networkExists, "an interface \(settings.name) exists already: remove it, or name the bridge")
        }
    }

    private func exists(_ name: String) throws(NetworkError) -> Bool {
        do throws(SystemCallError) {
            return try routes.link(name) != nil
        } catch {
            throw NetworkError(.kernel, "cannot look for the interface \(name): \(error)", cause: error)
        }
    }

    func stand(_ record: NetworkRecord) throws(NetworkError) -> any StandingNetwork {
        try stand(record, try settings(of: record))
    }

    func stand(_ record: NetworkRecord, _ settings: BridgeSettings) throws(NetworkError) -> BridgeNetwork {
        let interface = try BridgeSetup(
            settings: settings, forwarding: configuration.forwarding, routes: routes
        ).run()
        return BridgeNetwork(interface, record: record, settings: settings, routes: routes)
    }

    /// Reads the options of a record.
    /// - Throws: `NetworkError` (`invalidRequest`) for one that cannot be read
    func settings(of record: NetworkRecord) throws(NetworkError) -> BridgeSettings {
        let options = record.options
        let name =
            options[BridgeOption.name].flatMap { $0.isEmpty ? nil : $0 } ?? "br-" + record.id.prefix(12)
        guard NetworkConfiguration.isInterfaceName(name) else {
            throw NetworkError(
                .invalidRequest,
                "\(name) cannot be the name of a bridge: at most 15 characters, no space, no /")
        }
        var settings = BridgeSettings(name: name, addresses: [])
        settings.mark = "skiff:\(configuration.instance):\(record.id)"
        settings.isInternal = record.isInternal
        settings.mtu = try mtu(options[BridgeOption.mtu]) ?? configuration.mtu
        settings.interContainerCommunication =
            try Self.flag(options, BridgeOption.interContainerCommunication) ?? true
        settings.masquerade = try Self.flag(options, BridgeOption.masquerade) ?? true
        settings.allowsSpoofing = try Self.flag(options, BridgeOption.allowSpoofing) ?? false
        settings.modeV4 = try mode(options, BridgeOption.modeV4, record)
        settings.modeV6 = try mode(options, BridgeOption.modeV6, record)
        if let prefix = options[BridgeOption.interfacePrefix], !prefix.isEmpty {
            guard NetworkConfiguration.isInterfaceName(prefix + "000") else {
                throw NetworkError(.invalidRequest, "\(prefix) cannot begin the name of an interface")
            }
            settings.interfacePrefix = prefix
        }
        if let text = options[BridgeOption.hostBinding], !text.isEmpty {
            guard let address = IPAddress(text) else {
                throw NetworkError(.invalidRequest, "\(BridgeOption.hostBinding): \(text) is no IP address")
            }
            settings.hostBindingAddress = address
        }
        settings.addresses = try addresses(record, settings)
        return settings
    }

    /// The bridge is the gateway of its subnets, unless it is to have no address.
    private func addresses(_ record: NetworkRecord, _ settings: BridgeSettings) throws(NetworkError)
        -> [AddressBlock]
    {
        let inhibited = try Self.flag(record.options, BridgeOption.inhibitIPv4) ?? false
        var result: [AddressBlock] = []
        for pool in record.ipamConfigurations {
            let isIPv4 = pool.subnet.address.isIPv4
            guard let gateway = pool.gateway, settings.mode(isIPv4: isIPv4) != .isolated,
                !(isIPv4 && inhibited),
                !result.contains(where: { $0.address.isIPv4 == isIPv4 }),
                let block = AddressBlock(gateway, prefixLength: pool.subnet.prefixLength)
            else { continue }
            result.append(block)
        }
        return result
    }

    private func mtu(_ text: String?) throws(NetworkError) -> Int? {
        guard let text, !text.isEmpty else { return nil }
        guard let number = Int(text), (68...65535).contains(number) else {
            throw NetworkError(
                .invalidRequest, "\(BridgeOption.mtu): \(text) is not a number between 68 and 65535")
        }
        return number == 1500 ? nil : number
    }

    static func flag(_ options: [String: String], _ key: String) throws(NetworkError) -> Bool? {
        guard let text = options[key], !text.isEmpty else { return nil }
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": return true
        case "0", "f", "F", "false", "FALSE", "False": return false
        default: throw NetworkError(.invalidRequest, "\(key): \(text) is neither true nor false")
        }
    }

    private func mode(
        _ options: [String: String], _ key: String, _ record: NetworkRecord
    ) throws(NetworkError) -> GatewayMode {
        guard let text = options[key], !text.isEmpty else { return .nat }
        guard let mode = GatewayMode(rawValue: text) else {
            throw NetworkError(
                .invalidRequest,
                "unknown gateway mode \(text): \(key) is nat, nat-unprotected, routed or isolated")
        }
        guard mode != .isolated || record.isInternal else {
            throw NetworkError(
                .invalidRequest, "gateway mode 'isolated' can only be used for an internal network")
        }
        return mode
    }
}
