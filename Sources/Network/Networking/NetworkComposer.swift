import LinuxKernel
import OCIModel

/// Makes the record of a network from what somebody asked for: checks it, and chooses what was left open.
struct NetworkComposer {
    let configuration: NetworkConfiguration
    let existing: [NetworkRecord]
    let routes: RouteClient

    /// - Parameter localPrefix: the instance's own IPv6 prefix
    /// - Throws: `NetworkError`: `networkExists`, `predefinedNetwork`, `invalidRequest`, `unsupported`, `subnetOverlaps`,
    ///   `exhausted`
    func record(
        for request: NetworkRequest, localPrefix: () throws(NetworkError) -> AddressBlock
    ) throws(NetworkError) -> NetworkRecord {
        try checkName(request.name)
        let request = try borrowing(request)
        var record = NetworkRecord(
            name: request.name, id: freshID(), created: .now, driver: try driver(request))
        (record.enableIPv4, record.enableIPv6) = (request.enableIPv4, request.enableIPv6)
        (record.isInternal, record.attachable) = (request.isInternal, request.attachable)
        (record.configOnly, record.configFrom) = (request.configOnly, request.configFrom)
        (record.options, record.labels) = (request.options, request.labels)
        record.ipamOptions = request.ipamOptions
        guard ["", "default"].contains(request.ipamDriver) else {
            throw NetworkError(
                .noSuchNetwork,
                "plugin \"\(request.ipamDriver)\" not found: the address management driver of Skiff is \"default\""
            )
        }
        if request.ingress {
            throw NetworkError(.unsupported, "ingress networks belong to Swarm, which Skiff does not have")
        }
        guard request.enableIPv4 || request.enableIPv6 || request.configOnly else {
            throw NetworkError(.invalidRequest, "IPv4 or IPv6 must be enabled")
        }
        for pool in request.pools { record.ipamConfigurations.append(try configuration(of: pool, request)) }
        if !record.configOnly { try complete(&record, localPrefix) }
        return record
    }

    private func freshID() -> String {
        while true {
            let id = randomIdentifier()
            // The name of the bridge is made from the first twelve digits.
            if !existing.contains(where: { $0.id.prefix(12) == id.prefix(12) }) { return id }
        }
    }

    private func checkName(_ name: String) throws(NetworkError) {
        guard !name.allSatisfy(\.isWhitespace) else {
            throw NetworkError(.invalidRequest, "invalid name: name is empty")
        }
        guard !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "/") }) else {
            throw NetworkError(
                .invalidRequest, "invalid name: a network's name has no / and no control characters")
        }
        if NetworkRecord.predefinedNames.contains(name) || name == "default" {
            throw NetworkError(
                .predefinedNetwork, "operation is not permitted on predefined \(name) network")
        }
        if existing.contains(where: { $0.name == name }) {
            throw NetworkError(.networkExists, "network with name \(name) already exists")
        }
    }

    private func driver(_ request: NetworkRequest) throws(NetworkError) -> NetworkRecord.Driver {
        if request.configOnly { return .null }
        switch request.driver {
        case "", "bridge": return .bridge
        case "macvlan": return .macvlan
        case "ipvlan": return .ipvlan
        case "host", "null", "none":
            throw NetworkError(
                .predefinedNetwork, "only one instance of \"\(request.driver)\" network is allowed")
        case "overlay":
            throw NetworkError(.unsupported, "networks of driver overlay are not built yet")
        default:
            throw NetworkError(
                .noSuchNetwork,
                "plugin \"\(request.driver)\" not found: Skiff has the drivers bridge, macvlan and ipvlan")
        }
    }

    /// Takes the settings of the configuration that is named.
    private func borrowing(_ request: NetworkRequest) throws(NetworkError) -> NetworkRequest {
        guard !request.configFrom.isEmpty else { return request }
        guard !request.configOnly else {
            throw NetworkError(
                .predefinedNetwork, "a configuration network cannot depend on another configuration network")
        }
        guard let lender = existing.first(where: { $0.name == request.configFrom }), lender.configOnly else {
            throw NetworkError(
                .noSuchNetwork, "configuration network \"\(request.configFrom)\" does not exist")
        }
        guard request.pools.isEmpty, request.options.isEmpty, request.labels.isEmpty, !request.enableIPv6
        else {
            throw NetworkError(
                .predefinedNetwork,
                "user specified configurations are not supported if the network depends on a configuration network"
            )
        }
        var borrowed = request
        borrowed.options = lender.options
        borrowed.labels = lender.labels
        (borrowed.enableIPv4, borrowed.enableIPv6) = (lender.enableIPv4, lender.enableIPv6)
        borrowed.pools = lender.ipamConfigurations.map { pool in
            NetworkRequest.Pool(
                subnet: "\(pool.subnet)", range: pool.ipRange.map { "\($0)" } ?? "",
                gateway: pool.shownGateway.map { "\($0)" } ?? "",
                auxiliary: pool.auxiliary.mapValues { "\($0)" })
        }
        return borrowed
    }

    // MARK: Addresses

    private func configuration(
        of pool: NetworkRequest.Pool, _ request: NetworkRequest
    ) throws(NetworkError) -> NetworkRecord.AddressConfiguration {
        guard !pool.subnet.isEmpty else {
            throw NetworkError(
                .invalidRequest,
                "no configured subnet contains the range or gateway that is asked for: give a subnet")
        }
        guard let given = AddressBlock(pool.subnet) else {
            throw NetworkError(.invalidRequest, "invalid subnet \(pool.subnet): invalid CIDR block notation")
        }
        guard given.network == given else {
            throw NetworkError(
                .invalidRequest, "invalid subnet \(given): it should be \(given.network)")
        }
        let subnet = given.network
        guard subnet.prefixLength > 0, subnet.prefixLength < subnet.address.bits else {
            throw NetworkError(.invalidRequest, "invalid subnet \(subnet): it has no room for containers")
        }
        guard !subnet.address.isLoopback, !subnet.address.isMulticast, !subnet.address.isUnspecified else {
            throw NetworkError(.invalidRequest, "invalid subnet \(subnet): it is none that hosts can have")
        }
        guard request.configOnly || (subnet.address.isIPv4 ? request.enableIPv4 : request.enableIPv6) else {
            throw NetworkError(
                .invalidRequest,
                "cannot give a network the subnet \(subnet): IPv\(subnet.address.isIPv4 ? 4 : 6) is not enabled"
            )
        }
        var result = NetworkRecord.AddressConfiguration(subnet: subnet, isSubnetGiven: true)
        result.ipRange = try range(pool.range, subnet)
        if !pool.gateway.isEmpty {
            result.gateway = try address(pool.gateway, "gateway", in: subnet)
            result.isGatewayGiven = true
        }
        for (name, text) in pool.auxiliary {
            result.auxiliary[name] = try address(text, "auxiliary address \(name)", in: subnet)
        }
        return result
    }

    private func range(_ text: String, _ subnet: AddressBlock) throws(NetworkError) -> AddressBlock? {
        if text.isEmpty { return nil }
        guard let range = AddressBlock(text) else {
            throw NetworkError(.invalidRequest, "invalid ip-range \(text): invalid CIDR block notation")
        }
        guard subnet.contains(range.first), subnet.contains(range.last) else {
            throw NetworkError(
                .invalidRequest, "invalid ip-range \(range): it is not within the subnet \(subnet)")
        }
        return range.network
    }

    private func address(_ text: String, _ what: String, in subnet: AddressBlock) throws(NetworkError)
        -> IPAddress
    {
        // A gateway may be written with its prefix length, as `ip address` does.
        let bare = text.split(separator: "/", maxSplits: 1).first.map(String.init) ?? text
        guard let address = IPAddress(bare) else {
            throw NetworkError(.invalidRequest, "invalid \(what) \(text): it is no IP address")
        }
        guard subnet.contains(address) else {
            throw NetworkError(.invalidRequest, "no matching subnet for \(what) \(address)")
        }
        return address
    }

    private func complete(
        _ record: inout NetworkRecord, _ localPrefix: () throws(NetworkError) -> AddressBlock
    ) throws(NetworkError) {
        let hasIPv4 = record.subnets.contains { $0.address.isIPv4 }
        let hasIPv6 = record.subnets.contains { !$0.address.isIPv4 }
        try checkOverlaps(record)
        if record.enableIPv4, !hasIPv4 {
            let subnet = try SubnetChoice.firstFree(of: configuration.poolsV4, inUse: try inUse())
            record.ipamConfigurations.insert(.init(subnet: subnet), at: 0)
        }
        if record.enableIPv6, !hasIPv6 {
            let own = configuration.addressPools.filter { !$0.base.address.isIPv4 }
            let pools = own.isEmpty ? [.init(base: try localPrefix(), size: 64)] : own
            record.ipamConfigurations.append(
                .init(subnet: try SubnetChoice.firstFree(of: pools, inUse: try inUse())))
        }
        for index in record.ipamConfigurations.indices where record.ipamConfigurations[index].gateway == nil {
            record.ipamConfigurations[index].gateway = try gateway(record.ipamConfigurations[index])
        }
    }

    /// The lowest address that is not reserved, of the range where there is one, as Docker's.
    private func gateway(_ pool: NetworkRecord.AddressConfiguration) throws(NetworkError) -> IPAddress? {
        var allocator = AddressAllocator(
            subnet: pool.subnet, range: pool.ipRange, reserved: Array(pool.auxiliary.values))
        guard let address = allocator.allocate() else {
            throw NetworkError(
                .invalidRequest, "the subnet \(pool.subnet) has no room for a gateway's address")
        }
        return address
    }

    /// What a subnet that is chosen must stay clear of.
    private func inUse() throws(NetworkError) -> [AddressBlock] {
        try hostBlocks() + existing.filter { !$0.configOnly }.flatMap(\.subnets)
    }

    private func hostBlocks() throws(NetworkError) -> [AddressBlock] {
        do throws(SystemCallError) {
            return try routes.blocksInUse()
        } catch {
            throw NetworkError(.kernel, "cannot read the host's routes: \(error)", cause: error)
        }
    }

    /// A subnet that is asked for shares no address with another network, nor, behind a bridge of its own, with what the
    /// host has a route to. A macvlan or ipvlan network is a part of the network that the host is on.
    private func checkOverlaps(_ record: NetworkRecord) throws(NetworkError) {
        for (index, subnet) in record.subnets.enumerated() {
            if let twin = record.subnets[..<index].first(where: { $0.overlaps(subnet) }) {
                throw overlap(subnet, "the subnet \(twin) of the same network")
            }
            for other in existing where !other.configOnly {
                if other.driver != .bridge, record.driver != .bridge { continue }
                if let taken = other.subnets.first(where: { $0.overlaps(subnet) }) {
                    throw overlap(subnet, "\(taken) of network \(other.name)")
                }
            }
        }
        guard record.driver == .bridge, record.options[BridgeOption.name] == nil else { return }
        let host = try hostBlocks()
        for subnet in record.subnets {
            if let taken = host.first(where: { $0.overlaps(subnet) }) {
                throw overlap(subnet, "\(taken), which the host has an address or a route in")
            }
        }
    }

    private func overlap(_ subnet: AddressBlock, _ other: String) -> NetworkError {
        NetworkError(
            .subnetOverlaps,
            "invalid pool request: Pool overlaps with other one on this address space: \(subnet) shares addresses with "
                + "\(other); choose another --subnet")
    }

    /// Two networks do not share a bridge.
    func checkInterface(of record: NetworkRecord) throws(NetworkError) {
        guard let name = record.options[BridgeOption.name], record.driver == .bridge else { return }
        if let other = existing.first(where: { $0.options[BridgeOption.name] == name && $0.driver == .bridge }
        ) {
            throw NetworkError(
                .predefinedNetwork,
                "cannot create network \(record.id) (\(name)): conflicts with network \(other.id) (\(name)): "
                    + "networks have same bridge name")
        }
    }
}
